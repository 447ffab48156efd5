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
-- Systems for adults alone are counted by some as of adults and by others as of all ages, with one number: it stands once.
aged AS (
  SELECT t.* EXCLUDE (age), t.age AS figure_age, CASE WHEN adults.figure_id IS NOT NULL THEN 'ADULT' ELSE t.age END AS age
  FROM told t
  LEFT JOIN told adults
    ON adults.place_id = t.place_id AND adults.year = t.year AND adults.supervision = t.supervision AND adults.measure = t.measure
    AND adults.definition IS NOT DISTINCT FROM t.definition AND adults.value = t.value AND adults.age = 'ADULT' AND t.age = '_T'
),
single AS (
  SELECT aged.* FROM aged
  LEFT JOIN reference.rank evidence ON evidence.list = 'grade' AND evidence.code = aged.grade
  QUALIFY row_number() OVER (
    PARTITION BY place_id, year, supervision, age, definition ORDER BY coalesce(evidence.position, 0), figure_age
  ) = 1
),
rate AS (SELECT * FROM f WHERE measure = 'persons_under_supervision_rate'),
held AS (
  SELECT figure.* FROM figure
  JOIN reference.headline ON headline.measure = figure.measure AND headline.definition IS NOT DISTINCT FROM figure.definition
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade)
  WHERE figure.measure = 'persons_held' AND facility = '_T' AND sex = '_T' AND legal_status = '_T' AND citizenship = '_T'
    AND offence = '_T' AND age <> 'JUVENILE'
  QUALIFY row_number() OVER (PARTITION BY place_id, year, age ORDER BY position) = 1
)
SELECT
  t.place_id, t.year, t.supervision, t.age, t.definition,
  CASE WHEN t.measure = 'persons_under_supervision' THEN t.value END AS persons,
  t.period_start, t.period_end, t.period_kind,
  r.value AS published_per_100k,
  CASE WHEN t.age <> 'JUVENILE' AND t.definition IS NULL THEN persons / population.value * 100000 END AS per_100k,
  persons / nullif(held.value, 0) AS per_prisoner,
  CASE WHEN per_prisoner IS NOT NULL THEN held.figure_id END AS held_figure_id,
  t.figure_id, t.derived, t.observation_id, t.source_id, o.citation, t.grade, t.licence
FROM single t
LEFT JOIN rate r ON r.place_id = t.place_id AND r.year = t.year AND r.supervision = t.supervision AND r.age = t.figure_age
  AND r.definition IS NOT DISTINCT FROM t.definition AND r.source_id = t.source_id
LEFT JOIN population ON population.place_id = t.place_id AND population.year = t.year
-- Only what is of like age and time is divided: one period lies within the other.
LEFT JOIN held ON held.place_id = t.place_id AND held.year = t.year AND held.age = t.age AND t.definition IS NULL
  AND (held.period_start <= t.period_start AND held.period_end >= t.period_end
    OR t.period_start <= held.period_start AND t.period_end >= held.period_end)
LEFT JOIN observation o ON o.observation_id = t.observation_id
