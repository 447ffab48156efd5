-- One row a place and year: its chosen figures side by side. Published rates are not here; see table figure.
WITH f AS (
  SELECT * FROM figure
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade)
  WHERE facility = '_T' AND definition IS NULL
),
wide AS (
  SELECT
    place_id, year,
    any_value(value) FILTER (measure = 'persons_held' AND total) AS persons_held,
    any_value(derived) FILTER (measure = 'persons_held' AND total) AS persons_held_derived,
    any_value(CASE WHEN period_kind = 'point' THEN period_end END) FILTER (measure = 'persons_held' AND total) AS persons_held_date,
    any_value(source_id) FILTER (measure = 'persons_held' AND total) AS persons_held_source,
    any_value(value) FILTER (measure = 'persons_held' AND sex = 'F' AND age = '_T' AND legal_status = '_T' AND citizenship = '_T') AS persons_held_female,
    any_value(value) FILTER (measure = 'persons_held' AND sex = 'M' AND age = '_T' AND legal_status = '_T' AND citizenship = '_T') AS persons_held_male,
    any_value(value) FILTER (measure = 'persons_held' AND sex = '_T' AND age = '_T' AND legal_status = 'SENTENCED' AND citizenship = '_T') AS persons_held_sentenced,
    any_value(value) FILTER (measure = 'persons_held' AND sex = '_T' AND age = '_T' AND legal_status = 'UNSENTENCED' AND citizenship = '_T') AS persons_held_unsentenced,
    any_value(value) FILTER (measure = 'persons_held' AND sex = '_T' AND age = '_T' AND legal_status = '_T' AND citizenship = 'FOREIGN') AS persons_held_foreign,
    any_value(value) FILTER (measure = 'persons_held' AND sex = '_T' AND age = 'JUVENILE' AND legal_status = '_T' AND citizenship = '_T') AS persons_held_juvenile,
    any_value(value) FILTER (measure = 'official_capacity' AND total) AS official_capacity,
    any_value(value) FILTER (measure = 'establishments') AS establishments,
    any_value(value) FILTER (measure = 'admissions' AND total) AS admissions,
    any_value(value) FILTER (measure = 'deaths_in_custody' AND total) AS deaths_in_custody,
    any_value(value) FILTER (measure = 'persons_under_supervision' AND total) AS persons_under_supervision
  FROM (
    SELECT *, sex = '_T' AND age = '_T' AND legal_status IN ('_T', '_Z') AND citizenship IN ('_T', '_Z')
              AND offence IN ('_T', '_Z') AND supervision IN ('_T', '_Z') AND cause IN ('_T', '_Z') AS total
    FROM f
  )
  WHERE offence IN ('_T', '_Z') AND measure <> 'population'
  GROUP BY place_id, year
)
SELECT
  w.place_id, place.name, place.kind, w.year,
  w.persons_held, w.persons_held_derived, w.persons_held_date, w.persons_held_source,
  w.persons_held_female, w.persons_held_male, w.persons_held_sentenced, w.persons_held_unsentenced,
  w.persons_held_foreign, w.persons_held_juvenile,
  w.official_capacity, w.establishments, w.admissions, w.deaths_in_custody, w.persons_under_supervision,
  population.value AS population,
  w.persons_held / population.value * 100000 AS persons_held_per_100k
FROM wide w
JOIN place USING (place_id)
LEFT JOIN population USING (place_id, year)
WHERE coalesce(w.persons_held, w.persons_held_female, w.persons_held_male, w.persons_held_sentenced, w.persons_held_unsentenced,
               w.persons_held_foreign, w.persons_held_juvenile, w.official_capacity, w.establishments, w.admissions,
               w.deaths_in_custody, w.persons_under_supervision) IS NOT NULL
