-- One row a place and year: its headline figures side by side. Published rates are not here; see table figure.
-- What contradicts the persons held, or the place's other years, is left out and named; table figure has it.
WITH f AS (
  SELECT
    figure.*, headline.position,
    figure.measure || CASE list_filter([sex, age, legal_status, citizenship, offence, supervision, cause], lambda code: code NOT IN ('_T', '_Z'))
      WHEN [] THEN '' WHEN ['F'] THEN '_female' WHEN ['M'] THEN '_male' WHEN ['SENTENCED'] THEN '_sentenced'
      WHEN ['UNSENTENCED'] THEN '_unsentenced' WHEN ['FOREIGN'] THEN '_foreign' WHEN ['JUVENILE'] THEN '_juvenile' END AS name
  FROM figure
  JOIN reference.headline ON headline.measure = figure.measure AND headline.definition IS NOT DISTINCT FROM figure.definition
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade)
  WHERE facility = '_T'
),
headlines AS (
  SELECT * FROM f
  WHERE measure = 'persons_held' AND name IS NOT NULL
     OR name IN ('official_capacity', 'establishments', 'admissions', 'deaths_in_custody', 'persons_under_supervision')
  QUALIFY row_number() OVER (PARTITION BY place_id, year, name ORDER BY position) = 1
),
wide AS (
  SELECT
    place_id, year,
    any_value(value) FILTER (name = 'persons_held') AS persons_held,
    any_value(derived) FILTER (name = 'persons_held') AS persons_held_derived,
    any_value(CASE WHEN period_kind = 'point' THEN period_end END) FILTER (name = 'persons_held') AS persons_held_date,
    any_value(source_id) FILTER (name = 'persons_held') AS persons_held_source,
    any_value(definition) FILTER (name = 'persons_held') AS persons_held_definition,
    any_value(spread) FILTER (name = 'persons_held') AS persons_held_spread,
    any_value(value) FILTER (name = 'persons_held_female') AS female,
    any_value(value) FILTER (name = 'persons_held_male') AS male,
    any_value(value) FILTER (name = 'persons_held_sentenced') AS sentenced,
    any_value(value) FILTER (name = 'persons_held_unsentenced') AS unsentenced,
    any_value(value) FILTER (name = 'persons_held_foreign') AS foreign_citizens,
    any_value(value) FILTER (name = 'persons_held_juvenile') AS juvenile,
    any_value(value) FILTER (name = 'official_capacity') AS official_capacity,
    any_value(value) FILTER (name = 'establishments') AS establishments,
    any_value(value) FILTER (name = 'admissions') AS admissions,
    any_value(value) FILTER (name = 'deaths_in_custody') AS deaths_in_custody,
    any_value(value) FILTER (name = 'persons_under_supervision') AS persons_under_supervision,
    string_agg(name || ': ' || source_id || coalesce(' (' || definition || ')', ''), '; ' ORDER BY name) AS sources
  FROM headlines
  GROUP BY place_id, year
),
-- What has been published as persons held: admissions that repeat one of these are the stock under another name.
stock AS (
  SELECT place_id, year(period_end) AS year, value, sex = '_T' AND age = '_T' AND legal_status = '_T' AS everybody
  FROM observation
  WHERE measure = 'persons_held' AND facility = '_T' AND citizenship = '_T' AND offence = '_T' AND value > 0
  UNION ALL
  SELECT place_id, year, sum(value), true
  FROM figure
  WHERE measure = 'persons_held' AND facility = '_T' AND age = '_T' AND legal_status = '_T' AND citizenship = '_T'
    AND offence = '_T' AND definition IS NULL AND sex IN ('F', 'M')
  GROUP BY place_id, year HAVING count(*) = 2
),
repeated AS (
  SELECT DISTINCT h.place_id, h.year
  FROM headlines h JOIN stock s USING (place_id, year), reference.rules
  WHERE h.name = 'admissions'
    -- Parts are many, so that one may come near by chance.
    AND CASE WHEN s.everybody THEN abs(h.value - s.value) <= s.value * stock_repeated_share ELSE h.value = s.value AND h.value >= 100 END
),
bounded AS (
  SELECT
    wide.*, rules.*, repeated.place_id IS NOT NULL AS stock_repeated,
    persons_held * (1 + disagreement_share) AS most,
    quantile_cont(admissions, 0.5) OVER (PARTITION BY place_id) AS usual_admissions
  FROM wide LEFT JOIN repeated USING (place_id, year), reference.rules
),
at_year_end AS (
  SELECT * FROM estimate WHERE month(as_of) = 12 AND day(as_of) = 31
),
judged AS (
  SELECT
    *,
    coalesce(abs(female + male - persons_held) > persons_held * disagreement_share, greatest(female, male) > most, false) AS wrong_sexes,
    coalesce(coalesce(sentenced, 0) + coalesce(unsentenced, 0) > most, false) AS wrong_statuses,
    coalesce(foreign_citizens > most, false) AS wrong_foreign,
    coalesce(juvenile > most OR juvenile > persons_held * juveniles_at_most, false) AS wrong_juvenile,
    stock_repeated OR coalesce(admissions * out_of_scale < usual_admissions OR admissions > usual_admissions * out_of_scale, false) AS wrong_admissions
  FROM bounded
)
SELECT
  place.place_id, place.name, place.kind, y.year,
  j.persons_held, j.persons_held_derived, j.persons_held_date, j.persons_held_source, j.persons_held_definition,
  CASE WHEN NOT wrong_sexes THEN female END AS persons_held_female,
  CASE WHEN NOT wrong_sexes THEN male END AS persons_held_male,
  CASE WHEN NOT wrong_statuses THEN sentenced END AS persons_held_sentenced,
  CASE WHEN NOT wrong_statuses THEN unsentenced END AS persons_held_unsentenced,
  CASE WHEN NOT wrong_foreign THEN foreign_citizens END AS persons_held_foreign,
  CASE WHEN NOT wrong_juvenile THEN juvenile END AS persons_held_juvenile,
  j.official_capacity, j.establishments,
  CASE WHEN NOT wrong_admissions THEN admissions END AS admissions,
  j.deaths_in_custody, j.persons_under_supervision,
  population.value AS population,
  j.persons_held / population.value * 100000 AS persons_held_per_100k,
  e.persons AS estimate, e.low AS estimate_low, e.high AS estimate_high, e.basis AS estimate_basis,
  nullif(concat_ws('; ', j.sources, 'population: ' || population.source_id), '') AS sources,
  nullif(concat_ws(', ',
    CASE WHEN wrong_sexes AND female IS NOT NULL THEN 'persons_held_female' END,
    CASE WHEN wrong_sexes AND male IS NOT NULL THEN 'persons_held_male' END,
    CASE WHEN wrong_statuses AND sentenced IS NOT NULL THEN 'persons_held_sentenced' END,
    CASE WHEN wrong_statuses AND unsentenced IS NOT NULL THEN 'persons_held_unsentenced' END,
    CASE WHEN wrong_foreign THEN 'persons_held_foreign' END,
    CASE WHEN wrong_juvenile THEN 'persons_held_juvenile' END,
    CASE WHEN wrong_admissions THEN 'admissions' END), '') AS inconsistent,
  j.persons_held_spread
FROM (SELECT place_id, year FROM judged UNION SELECT place_id, year(as_of) FROM at_year_end) y
JOIN place USING (place_id)
LEFT JOIN judged j ON j.place_id = y.place_id AND j.year = y.year
LEFT JOIN at_year_end e ON e.place_id = y.place_id AND year(e.as_of) = y.year
LEFT JOIN population ON population.place_id = y.place_id AND population.year = y.year
