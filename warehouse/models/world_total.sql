-- One row a day, area, sex and legal status: persons in prison in the world, a region or a subregion, with the interval.
WITH area AS (
  SELECT place_id, name, 'world' AS level FROM place WHERE place_id = 'WLD'
  UNION ALL
  SELECT place_id, name, if(parent = 'WLD', 'region', 'subregion')
  FROM place
  WHERE kind = 'aggregate' AND place_id LIKE 'M49-%'
    AND regexp_replace(name, ' \(UN subregion\)$', '') IN (SELECT unnest([region, subregion]) FROM world_place)
),
placed AS (
  SELECT w.*, population.value AS population, population.year AS population_year
  FROM world_place w
  ASOF LEFT JOIN population ON population.place_id = w.place_id AND population.year <= year(w.as_of)
),
member AS (
  SELECT
    area.place_id AS area, area.name AS area_name, area.level, p.*, e.persons,
    p.role IN ('reported', 'carried_forward', 'brought_back') AS adds
  FROM area
  JOIN placed p ON CASE area.level
    WHEN 'world' THEN true WHEN 'region' THEN p.region = area.name
    ELSE p.subregion = regexp_replace(area.name, ' \(UN subregion\)$', '') END
  LEFT JOIN estimate e ON e.as_of = p.as_of AND e.place_id = p.place_id
),
summed AS (
  SELECT
    m.as_of, area, any_value(area_name) AS name, any_value(level) AS level,
    coalesce(sum(persons) FILTER (role = 'reported'), 0) AS reported,
    coalesce(sum(persons) FILTER (role = 'carried_forward'), 0) AS carried_forward,
    coalesce(sum(persons) FILTER (role = 'brought_back'), 0) AS brought_back,
    coalesce(sum(gap), 0) AS gaps,
    count(*) FILTER (adds) AS places,
    count(*) FILTER (role = 'reported') AS places_reported,
    count(*) FILTER (role = 'no_figure') AS places_without,
    CASE WHEN area = 'WLD' THEN any_value(world.value) ELSE sum(population) FILTER (kind <> 'part') END AS people,
    CASE WHEN area = 'WLD' THEN any_value(world.year) ELSE max(population_year) FILTER (kind <> 'part') END AS population_year,
    sum(population) FILTER (role = 'reported') AS people_reported,
    sum(population) FILTER (adds) AS people_published,
    sum(population) FILTER (adds OR gap IS NOT NULL) AS people_known
  FROM member m
  ASOF LEFT JOIN (FROM population WHERE place_id = 'WLD') world ON world.year <= year(m.as_of)
  GROUP BY m.as_of, area
),
estimated AS (
  SELECT c.*, coalesce(s.area, 'WLD') AS place_id
  FROM computed.area_estimate c
  LEFT JOIN (SELECT DISTINCT area, regexp_replace(name, ' \(UN subregion\)$', '') AS name FROM summed WHERE area <> 'WLD') s ON s.name = c.area
)
-- least() would take an unknown share for the whole. Where nobody is counted there is no one, and nothing is claimed.
SELECT
  s.as_of, s.area AS place_id, s.name, s.level, coalesce(e.sex, '_T') AS sex, coalesce(e.legal_status, '_T') AS legal_status,
  coalesce(e.central, 0) AS central, e.low, e.high, e.known_share,
  e.central / people * 100000 AS per_100k, e.low / people * 100000 AS per_100k_low, e.high / people * 100000 AS per_100k_high,
  people AS population,
  reported, carried_forward, brought_back, gaps, places, places_reported, places_without,
  if(people_reported > people, 1, people_reported / people) AS reported_share,
  if(people_published > people, 1, people_published / people) AS published_share,
  if(people_known > people, 1, people_known / people) AS population_share,
  concat_ws(':', 'world_total', s.area, s.as_of, coalesce(e.sex, '_T'), coalesce(e.legal_status, '_T')) AS total_id,
  population_year
FROM summed s
LEFT JOIN estimated e ON e.as_of = s.as_of AND e.place_id = s.area
WHERE s.as_of IN (SELECT as_of FROM summed, reference.rules WHERE area = 'WLD' AND people_known >= covered_at_least * people)
   OR s.as_of = (SELECT max(day) FROM reference.day)
