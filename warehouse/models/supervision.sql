-- Persons under one form of supervision outside prison, of one place, year and age group, as chosen; a stock or an average, never a flow.
WITH f AS (
  SELECT * FROM figure
  WHERE facility = '_T' AND sex = '_T' AND measure IN ('persons_under_supervision', 'persons_under_supervision_rate')
),
-- The count, or the rate where a publisher gives no count.
told AS (
  SELECT * FROM f
  QUALIFY row_number() OVER (PARTITION BY place_id, year, supervision, age, definition ORDER BY measure) = 1
),
rate AS (SELECT * FROM f WHERE measure = 'persons_under_supervision_rate')
SELECT
  t.place_id, t.year, t.supervision, t.age, t.definition,
  CASE WHEN t.measure = 'persons_under_supervision' THEN t.value END AS persons,
  t.period_start, t.period_end, t.period_kind,
  r.value AS published_per_100k,
  CASE WHEN t.age <> 'JUVENILE' THEN persons / population.value * 100000 END AS per_100k,
  CASE WHEN t.age <> 'JUVENILE' THEN persons / nullif(held.persons_held, 0) END AS per_prisoner,
  t.figure_id, t.derived, t.source_id, t.grade, t.licence
FROM told t
LEFT JOIN rate r ON r.place_id = t.place_id AND r.year = t.year AND r.supervision = t.supervision AND r.age = t.age
  AND r.definition IS NOT DISTINCT FROM t.definition AND r.source_id = t.source_id
LEFT JOIN population ON population.place_id = t.place_id AND population.year = t.year
LEFT JOIN country_year held ON held.place_id = t.place_id AND held.year = t.year
