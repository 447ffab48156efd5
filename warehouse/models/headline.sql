-- One row a place and year: the figure that stands for everybody held, and how it splits where that is published too.
WITH figures AS (
  SELECT f.*, position
  FROM figure f
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade)
  JOIN reference.headline h ON h.measure = f.measure AND h.definition IS NOT DISTINCT FROM f.definition
  WHERE f.measure = 'persons_held' AND facility = '_T' AND NOT derived
    AND age = '_T' AND citizenship = '_T' AND offence = '_T'
),
everybody AS (
  SELECT * FROM figures
  WHERE sex = '_T' AND legal_status = '_T'
  QUALIFY row_number() OVER (PARTITION BY place_id, year ORDER BY position) = 1
),
part AS (
  SELECT
    place_id, year, position,
    any_value(value) FILTER (sex = 'F' AND legal_status = '_T') AS female,
    any_value(value) FILTER (sex = 'M' AND legal_status = '_T') AS male,
    any_value(value) FILTER (sex = '_T' AND legal_status = 'UNSENTENCED') AS unsentenced,
    any_value(value) FILTER (sex = '_T' AND legal_status = 'SENTENCED') AS sentenced
  FROM figures WHERE sex <> '_T' OR legal_status <> '_T' GROUP BY ALL
)
SELECT
  e.place_id, e.year, e.figure_id, e.value, e.definition, e.source_id, e.period_start, e.period_end,
  CASE
    WHEN female > e.value OR abs(female + male - e.value) > e.value * disagreement_share THEN NULL
    ELSE female / nullif(coalesce(female + male, e.value), 0)
  END AS female_share,
  -- As in country_year: what contradicts the persons held is no share of them.
  CASE WHEN e.value > 0 AND unsentenced + coalesce(sentenced, 0) <= e.value * (1 + disagreement_share) THEN least(unsentenced / e.value, 1) END AS unsentenced_share
FROM everybody e LEFT JOIN part USING (place_id, year, position), reference.rules
