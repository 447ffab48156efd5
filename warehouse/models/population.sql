-- One row a place and year: the published population, else the one that a publisher's own count and rate imply.
WITH published AS (
  SELECT place_id, year, value, 'published' AS basis, source_id, vintage, observation_id
  FROM figure
  WHERE measure = 'population' AND sex = '_T' AND age = '_T' AND facility = '_T' AND definition IS NULL AND NOT derived
),
implied AS (
  SELECT
    count.place_id, year(count.period_end) AS year, round(count.value / rate.value * 100000) AS value,
    'implied' AS basis, count.source_id, count.vintage, count.observation_id
  FROM figure chosen
  JOIN observation count USING (observation_id)
  JOIN observation rate
    ON rate.measure = 'persons_held_rate'
   AND rate.snapshot = count.snapshot AND rate.vintage = count.vintage AND rate.dataset = count.dataset
   AND rate.place_id = count.place_id AND rate.period_start = count.period_start AND rate.period_end = count.period_end
   AND rate.sex = '_T' AND rate.age = '_T' AND rate.legal_status = '_T' AND rate.citizenship = '_T' AND rate.offence = '_T'
   AND rate.facility = '_T' AND rate.definition IS NULL
  WHERE chosen.measure = 'persons_held'
    AND chosen.sex = '_T' AND chosen.age = '_T' AND chosen.legal_status = '_T' AND chosen.citizenship = '_T'
    AND chosen.offence = '_T' AND chosen.facility = '_T' AND chosen.definition IS NULL
    AND count.value > 0 AND rate.value > 0 AND count.correction_id IS NULL AND rate.correction_id IS NULL
)
SELECT * FROM published
UNION ALL BY NAME
SELECT i.* FROM implied i ANTI JOIN published p USING (place_id, year)
