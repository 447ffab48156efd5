-- One row an observation that lies further from the figure chosen over it than figure_rules.yml tolerates.
WITH rival AS (
  SELECT f.*, unnest(from_json(f.rivals, '["json"]')) AS rival FROM figure f WHERE f.rivals IS NOT NULL
),
told AS (
  SELECT
    figure_id, place_id, measure, sex, age, legal_status, citizenship, offence, supervision, cause, year, value, source_id, dataset, grade, period_start, period_end,
    rival ->> 'observation_id' AS rival_observation_id,
    (rival ->> 'value')::DOUBLE AS rival_value,
    rival ->> 'source_id' AS rival_source_id,
    rival ->> 'dataset' AS rival_dataset,
    rival ->> 'grade' AS rival_grade,
    (rival ->> 'period_start')::DATE AS rival_period_start,
    (rival ->> 'period_end')::DATE AS rival_period_end
  FROM rival
)
SELECT *, CASE WHEN value > 0 THEN (rival_value - value) / value END AS difference
FROM told
-- Another day of one series is no other opinion.
WHERE (rival_source_id <> source_id OR rival_dataset <> dataset)
  AND abs(rival_value - value) > (SELECT disagreement_share FROM reference.rules) * value
