-- One row a published total of the world's prisoners: Custody's total for the nearest year's end beside it, and the
-- difference in parts. What others leave out or do not do is in comparisons.yml; the rest is what is not explained by it.
WITH walked AS (
  SELECT as_of, sum(value) AS brought FROM world_walk
  WHERE code IN ('interpolated', 'brought_forward', 'brought_back') GROUP BY as_of
),
omitted AS (
  SELECT c.citation, c.reference, sum(g.central) AS omitted
  FROM reference.comparison c
  JOIN gap g ON list_contains(c.without, g.place_id || ': ' || g.component)
  JOIN world_place w ON w.as_of = c.day AND w.place_id = g.place_id AND (g.counts = 'beside' OR w.role = 'gap')
  GROUP BY ALL
),
-- What a publisher counts by a definition that stands for nobody here, less what the place is taken to hold.
wider AS (
  SELECT citation, reference, sum(value - persons) AS wider
  FROM (
    SELECT c.citation, c.reference, f.value, e.persons
    FROM reference.comparison c
    JOIN figure f ON list_contains(c.counts_also, f.place_id || ': ' || f.definition) AND f.period_end <= c.day
      AND f.measure = 'persons_held' AND f.sex = '_T' AND f.age = '_T' AND f.legal_status = '_T' AND f.offence = '_T'
      AND f.citizenship = '_T' AND f.facility = '_T'
    JOIN estimate e ON e.as_of = c.day AND e.place_id = f.place_id
    QUALIFY row_number() OVER (PARTITION BY c.citation, c.reference, f.place_id, f.definition ORDER BY f.period_end DESC) = 1
  ) GROUP BY ALL
)
SELECT
  p.citation, p.reference, p.value AS published, p.circa, p.grade, w.as_of, w.central, w.low, w.high,
  w.central - p.value AS difference,
  if(c.without IS NULL, NULL, coalesce(o.omitted, 0)) AS of_gaps_left_out,
  if(c.takes_latest, coalesce(k.brought, 0), 0) AS of_bringing_to_the_day,
  w.central - p.value - coalesce(o.omitted, 0) - if(c.takes_latest, coalesce(k.brought, 0), 0) + coalesce(x.wider, 0)
    AS of_the_rest,
  coalesce(p.value BETWEEN w.low AND w.high, false) AS inside_interval,
  coalesce(p.value + coalesce(o.omitted, 0) BETWEEN w.low AND w.high, false) AS inside_interval_with_gaps,
  c.rest AS note, p.locator, 0 - coalesce(x.wider, 0) AS of_wider_counts
FROM published_total p
JOIN reference.comparison c USING (citation, reference)
JOIN world_total w ON w.as_of = c.day AND w.level = 'world' AND w.sex = '_T' AND w.legal_status = '_T'
LEFT JOIN walked k ON k.as_of = c.day
LEFT JOIN omitted o USING (citation, reference)
LEFT JOIN wider x USING (citation, reference)
WHERE p.topic = 'prison_total' AND p.place_id = 'WLD' AND p.value IS NOT NULL
