-- One figure that a publisher no longer gives: it is in one vintage of a file and not in the next. Files whose editions
-- extend each other are not asked: there an older edition's figures stand.
WITH edition AS (
  SELECT source_id, file, vintage, lead(vintage) OVER (PARTITION BY source_id, file ORDER BY position) AS later_vintage
  FROM snapshot WHERE NOT extends
),
followed AS (
  SELECT o.*, e.later_vintage
  FROM observation o JOIN edition e USING (source_id, file, vintage)
  WHERE e.later_vintage IS NOT NULL
)
SELECT
  f.observation_id, f.source_id, f.dataset, f.place_id, f.facility, f.measure, f.sex, f.age, f.legal_status, f.citizenship,
  f.offence, f.supervision, f.cause, f.definition, f.period_start, f.period_end, f.period_kind, f.unit, f.vintage,
  f.later_vintage, f.value, f.licence
FROM followed f
ANTI JOIN observation n
  ON n.source_id = f.source_id AND n.file = f.file AND n.vintage = f.later_vintage
  AND n.dataset = f.dataset AND n.place_id = f.place_id AND n.facility = f.facility AND n.measure = f.measure
  AND n.sex = f.sex AND n.age = f.age AND n.legal_status = f.legal_status AND n.citizenship = f.citizenship
  AND n.offence = f.offence AND n.supervision = f.supervision AND n.cause = f.cause AND n.unit = f.unit
  AND coalesce(n.definition, '') = coalesce(f.definition, '')
  AND n.period_start = f.period_start AND n.period_end = f.period_end AND n.period_kind = f.period_kind
