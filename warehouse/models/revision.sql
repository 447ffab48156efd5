-- One figure that a publisher published with different values in two vintages, each against the one before.
WITH several AS (
  SELECT source_id, dataset FROM observation GROUP BY ALL HAVING count(DISTINCT vintage) > 1
),
paired AS (
  SELECT *, lag(observation_id) OVER past AS earlier_observation_id, lag(vintage) OVER past AS earlier_vintage,
         lag(value) OVER past AS earlier_value
  FROM observation
  SEMI JOIN several USING (source_id, dataset)
  JOIN (SELECT source_id, file, vintage, position FROM snapshot) USING (source_id, file, vintage)
  WINDOW past AS (
    PARTITION BY source_id, dataset, place_id, facility, measure, sex, age, legal_status, citizenship, offence, supervision, cause,
      unit, definition, period_start, period_end, period_kind
    ORDER BY position
  )
)
SELECT observation_id, earlier_observation_id, source_id, dataset, place_id, facility, measure, sex, age, legal_status,
       citizenship, offence, supervision, cause, definition, period_start, period_end, period_kind, unit, vintage,
       earlier_vintage, value, earlier_value, value - earlier_value AS change,
       (value - earlier_value) / nullif(earlier_value, 0) AS change_share, licence
FROM paired
WHERE earlier_observation_id IS NOT NULL AND value IS DISTINCT FROM earlier_value
