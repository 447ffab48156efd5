-- One row a place with a count of people under supervision that is recent on the reference day, and one for the world:
-- their sum, which is a lower bound and no estimate of the whole. Forms of supervision overlap and are never added.
WITH reference_day AS (SELECT max(day) AS as_of FROM reference.day),
told AS (
  SELECT s.*, definition.position
  FROM supervision s
  JOIN reference.rank definition ON definition.list = 'bound_definition' AND definition.code = coalesce(s.definition, 'own')
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade), reference_day, reference.rules
  WHERE s.persons IS NOT NULL AND s.period_end <= as_of AND date_diff('day', s.period_end, as_of) <= bound_at_most * 365.25
),
-- Everybody, else adults with the juveniles of the same year, else adults or juveniles alone.
aged AS (
  SELECT
    place_id, year, supervision, position,
    coalesce(any_value(persons) FILTER (age = '_T'), sum(persons)) AS persons,
    string_agg(figure_id, ', ' ORDER BY age) FILTER (age = '_T') AS figure_of_all,
    string_agg(figure_id, ', ' ORDER BY age) AS figure_of_each,
    string_agg(source_id, ', ' ORDER BY age) AS sources,
    string_agg(age, ', ' ORDER BY age) AS ages,
    max(period_end) AS period_end, any_value(definition) AS definition
  FROM told WHERE age IN ('_T', 'ADULT', 'JUVENILE') GROUP BY ALL
),
-- The newest count of each form and of all of them together; of these the largest, as an old count of all may be of few.
newest AS (
  SELECT * FROM aged
  QUALIFY row_number() OVER (PARTITION BY place_id, supervision ORDER BY year DESC, position, persons DESC) = 1
),
chosen AS (
  SELECT * FROM newest
  QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY persons DESC, supervision <> '_T', supervision) = 1
),
placed AS (
  SELECT c.*, p.name, if(p.kind = 'part', p.parent, NULL) AS whole, population.value AS population, h.value AS held, h.figure_id AS held_figure_id
  FROM chosen c
  JOIN place p ON p.place_id = c.place_id AND p.kind IN ('state', 'territory', 'part')
  ASOF LEFT JOIN population ON population.place_id = c.place_id AND population.year <= c.year
  LEFT JOIN headline h ON h.place_id = c.place_id AND h.year = c.year
),
-- A part is in its parent's count where there is one; a territory is not.
once AS (SELECT * FROM placed WHERE whole IS NULL OR whole NOT IN (SELECT place_id FROM placed)),
counted AS (
  SELECT
    as_of, place_id, name, year AS first_year, year, supervision, if(figure_of_all IS NULL, ages, '_T') AS ages, definition, persons, population,
    persons / population * 100000 AS per_100k, held, persons / nullif(held, 0) AS per_prisoner,
    1 AS places, NULL::DOUBLE AS population_share, coalesce(figure_of_all, figure_of_each) AS figure_ids, held_figure_id, sources
  FROM once, reference_day
)
SELECT * EXCLUDE (held) FROM counted
UNION ALL BY NAME
SELECT
  any_value(counted.as_of) AS as_of, 'WLD' AS place_id, 'World, of the places that publish it' AS name, min(year) AS first_year, max(year) AS year,
  NULL AS supervision, NULL AS ages, NULL AS definition,
  sum(persons) AS persons, sum(population) AS population,
  sum(persons) FILTER (population IS NOT NULL) / sum(population) * 100000 AS per_100k,
  sum(persons) FILTER (held > 0) / sum(held) FILTER (held > 0) AS per_prisoner,
  count(*) AS places, sum(counted.population) / any_value(world.value) AS population_share,
  NULL AS figure_ids, NULL AS held_figure_id, NULL AS sources
FROM counted
ASOF LEFT JOIN (SELECT year AS of, value FROM population WHERE place_id = 'WLD') world ON world.of <= year(counted.as_of)
HAVING count(*) > 0
