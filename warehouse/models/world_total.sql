-- One row for the world and one for each region: persons in prison on the reference day, latest figures plus gaps.
WITH lately AS (
  SELECT place_id, max_by(value, year) AS population
  FROM population WHERE year <= year(getvariable('as_of')) GROUP BY place_id
),
counted AS (
  SELECT
    w.*,
    coalesce(w.role IN ('reported', 'carried_forward'), false) AS adds,
    l.population
  FROM world_place w LEFT JOIN lately l USING (place_id)
),
area AS (
  SELECT place_id, name, m49 FROM place WHERE place_id = 'WLD'
  UNION ALL
  SELECT a.place_id, a.name, a.m49 FROM place a
  WHERE a.kind = 'aggregate' AND a.place_id LIKE 'M49-%' AND a.name IN (SELECT region FROM world_place)
),
member AS (
  SELECT area.place_id AS area, area.name AS area_name, c.*
  FROM area JOIN counted c ON area.place_id = 'WLD' OR c.region = area.name
),
summed AS (
  SELECT
    any_value(as_of) AS as_of, area AS place_id, any_value(area_name) AS name,
    coalesce(sum(latest) FILTER (adds), 0) + coalesce(sum(gap), 0) AS total,
    coalesce(sum(latest) FILTER (role = 'reported'), 0) AS reported,
    coalesce(sum(latest) FILTER (role = 'carried_forward'), 0) AS carried_forward,
    coalesce(sum(gap), 0) AS gaps,
    count(*) FILTER (adds) AS places,
    count(*) FILTER (role = 'reported') AS places_reported,
    count(*) FILTER (role = 'no_figure') AS places_without,
    CASE WHEN area = 'WLD' THEN (SELECT population FROM lately WHERE place_id = 'WLD')
      ELSE sum(population) FILTER (kind <> 'part') END AS people,
    sum(population) FILTER (adds) AS published,
    sum(population) FILTER (adds OR gap IS NOT NULL) AS known
  FROM member
  GROUP BY area
)
-- least() would take an unknown share for the whole.
SELECT * EXCLUDE (people, published, known),
       if(published > people, 1, published / people) AS published_share,
       if(known > people, 1, known / people) AS population_share
FROM summed
