-- One row a day and place: persons held as estimated, with the interval, and what the estimate is made of.
-- The population is that of the year, or of the latest year before it of which it is known.
SELECT
  e.as_of, e.place_id, p.name, p.kind, p.region, p.subregion, e.basis,
  e.persons, e.low, e.high, e.years, e.figure_id, e.next_figure_id,
  w.role IN ('reported', 'carried_forward', 'brought_back') OR e.basis = 'gap' AS counted,
  population.value AS population, population.year AS population_year,
  e.persons / population.value * 100000 AS persons_per_100k,
  concat_ws(':', 'estimate', e.place_id, e.as_of) AS estimate_id,
  f.spread AS figure_spread,
  if(e.basis IN ('published', 'gap'), NULL, caution.reason) AS caution
FROM computed.place_estimate e
JOIN place p USING (place_id)
JOIN world_place w USING (as_of, place_id)
LEFT JOIN reference.caution ON caution.place = e.place_id AND e.as_of BETWEEN caution.since AND coalesce(caution.until, e.as_of)
LEFT JOIN figure f ON f.figure_id = e.figure_id
ASOF LEFT JOIN population ON population.place_id = e.place_id AND population.year <= year(e.as_of)
