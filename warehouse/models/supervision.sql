-- Persons under one form of supervision outside prison, of one place, year and age group, as chosen; a stock or an average, never a flow.
WITH f AS (
  SELECT * FROM figure WHERE facility = '_T' AND sex = '_T'
),
person AS (SELECT * FROM f WHERE measure = 'persons_under_supervision'),
rate AS (SELECT * FROM f WHERE measure = 'persons_under_supervision_rate')
SELECT
  coalesce(p.place_id, r.place_id) AS place_id, coalesce(p.year, r.year) AS year,
  coalesce(p.supervision, r.supervision) AS supervision, coalesce(p.age, r.age) AS age,
  coalesce(p.definition, r.definition) AS definition,
  p.value AS persons,
  coalesce(p.period_start, r.period_start) AS period_start, coalesce(p.period_end, r.period_end) AS period_end,
  coalesce(p.period_kind, r.period_kind) AS period_kind,
  r.value AS published_per_100k,
  CASE WHEN p.age <> 'JUVENILE' THEN p.value / population.value * 100000 END AS per_100k,
  CASE WHEN p.age <> 'JUVENILE' THEN p.value / nullif(held.persons_held, 0) END AS per_prisoner,
  coalesce(p.figure_id, r.figure_id) AS figure_id, coalesce(p.derived, r.derived) AS derived,
  coalesce(p.source_id, r.source_id) AS source_id, coalesce(p.grade, r.grade) AS grade, coalesce(p.licence, r.licence) AS licence
FROM person p
FULL JOIN rate r ON r.place_id = p.place_id AND r.year = p.year AND r.supervision = p.supervision AND r.age = p.age
  AND r.definition IS NOT DISTINCT FROM p.definition AND r.source_id = p.source_id
LEFT JOIN population ON population.place_id = coalesce(p.place_id, r.place_id) AND population.year = coalesce(p.year, r.year)
LEFT JOIN country_year held ON held.place_id = coalesce(p.place_id, r.place_id) AND held.year = coalesce(p.year, r.year)
QUALIFY row_number() OVER (
  PARTITION BY coalesce(p.place_id, r.place_id), coalesce(p.year, r.year), coalesce(p.supervision, r.supervision), coalesce(p.age, r.age),
               coalesce(p.definition, r.definition)
  ORDER BY p.value IS NULL
) = 1
