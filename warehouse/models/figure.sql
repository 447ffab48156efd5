-- One row a place, measure, breakdown, definition and year: the figure chosen among all accepted ones, with its rivals.
-- Where a place has no figure of its own but all of its parts have, it is their sum, marked derived.
WITH standing AS (
  SELECT * FROM observation SEMI JOIN (SELECT * FROM snapshot WHERE current AND NOT extends) USING (source_id, file, vintage)
  UNION ALL
  -- Editions that add to each other: each figure as the newest edition that has it gives it.
  SELECT * EXCLUDE (position) FROM (
    SELECT o.*, s.position
    FROM observation o JOIN snapshot s USING (source_id, file, vintage)
    WHERE s.extends
    QUALIFY row_number() OVER (
      PARTITION BY source_id, dataset, place_id, facility, measure, sex, age, legal_status, citizenship, offence, supervision, cause,
      unit, definition, period_start, period_end, period_kind
      ORDER BY position DESC
    ) = 1
  )
),
candidate AS (
  SELECT
    o.*,
    year(o.period_end) AS year,
    left(sha256(concat_ws(chr(31), o.place_id, o.facility, o.measure, o.sex, o.age, o.legal_status, o.citizenship, o.offence,
                          o.supervision, o.cause, o.unit, coalesce(o.definition, ''), year(o.period_end))), 16) AS figure_id,
    tier.position AS by_tier,
    coalesce(grade.position, 0) AS by_grade,
    kind.position AS by_kind,
    status.position AS by_status,
    coalesce(preferred.position, 1000) AS by_source
  FROM standing o
  JOIN source s USING (source_id)
  JOIN reference.rank tier ON tier.list = 'tier' AND tier.code = s.tier
  JOIN reference.rank kind ON kind.list = 'period_kind' AND kind.code = o.period_kind
  JOIN reference.rank status ON status.list = 'status' AND status.code = o.status
  LEFT JOIN reference.rank grade ON grade.list = 'grade' AND grade.code = o.grade
  LEFT JOIN reference.rank preferred ON preferred.list = 'source' AND preferred.code = o.source_id
  JOIN reference.measure nature ON nature.measure = o.measure
  WHERE o.value IS NOT NULL AND s.licence_class <> 'internal'
    -- A flow of half a year is no figure of a year, nor is what may be of any of three years.
    AND date_diff('day', o.period_start, o.period_end) <= 366
    AND (nature.nature <> 'flow' OR date_diff('day', o.period_start, o.period_end) >= 360)
),
contested AS (
  SELECT figure_id, count(*) AS candidates FROM candidate GROUP BY figure_id HAVING count(*) > 1
),
ranked AS (
  SELECT
    *,
    row_number() OVER choice AS choice,
    first_value(source_id) OVER choice AS chosen_source, first_value(dataset) OVER choice AS chosen_dataset,
    CASE
      WHEN lead(by_tier) OVER choice > by_tier THEN 'tier'
      WHEN lead(by_grade) OVER choice > by_grade THEN 'grade'
      WHEN lead(by_kind) OVER choice > by_kind THEN 'period_kind'
      WHEN lead(by_status) OVER choice > by_status THEN 'status'
      WHEN lead(period_end) OVER choice < period_end THEN 'later_day'
      WHEN lead(vintage) OVER choice < vintage THEN 'vintage'
      ELSE 'order'
    END AS rule
  FROM candidate JOIN contested USING (figure_id)
  WINDOW choice AS (
    PARTITION BY figure_id
    ORDER BY by_tier, by_grade, by_kind, by_status, period_end DESC, vintage DESC, by_source, source_id, dataset, observation_id
  )
),
rival AS (
  SELECT
    figure_id,
    -- Who gives the same number to the person, or names the same origin, has it from the other or from the same hand.
    least(
      count(DISTINCT value) FILTER (choice = 1 OR source_id <> chosen_source OR dataset <> chosen_dataset),
      count(DISTINCT coalesce(reported_by, source_id)) FILTER (choice = 1 OR source_id <> chosen_source OR dataset <> chosen_dataset)
    ) AS witnesses,
    -- Another day of one series is no other opinion.
    max(value) FILTER (source_id <> chosen_source OR dataset <> chosen_dataset) AS highest,
    min(value) FILTER (source_id <> chosen_source OR dataset <> chosen_dataset) AS lowest,
    to_json(list({
      'observation_id': observation_id, 'source_id': source_id, 'dataset': dataset,
      'period_start': period_start, 'period_end': period_end, 'value': value, 'grade': grade
    } ORDER BY choice) FILTER (choice > 1))::VARCHAR AS rivals
  FROM ranked GROUP BY figure_id
),
chosen AS (
  SELECT
    r.figure_id,
    r.place_id, r.facility, r.measure, r.sex, r.age, r.legal_status, r.citizenship, r.offence, r.supervision, r.cause,
    r.year, r.value, r.unit, r.status, r.circa, r.definition, r.period_start, r.period_end, r.period_kind,
    false AS derived, r.observation_id, NULL::VARCHAR AS parts, r.source_id, r.dataset, r.vintage,
    r.rule, r.candidates, v.rivals, r.grade,
    CASE WHEN r.value > 0 THEN greatest(abs(v.highest - r.value), abs(v.lowest - r.value)) / r.value END AS spread,
    r.licence, coalesce(v.witnesses, 1) AS witnesses
  FROM (
    SELECT * FROM ranked WHERE choice = 1
    UNION ALL BY NAME
    SELECT *, 'only' AS rule, 1 AS candidates FROM candidate ANTI JOIN contested USING (figure_id)
  ) r
  LEFT JOIN rival v USING (figure_id)
),
part AS (
  -- The parts that there were in a year, and how many: a sum is taken over all of them or not at all.
  SELECT p.place_id, p.parent, y.year, count(*) OVER (PARTITION BY p.parent, y.year) AS siblings
  FROM place p
  JOIN (SELECT DISTINCT year FROM chosen) y
    ON coalesce(year(p.valid_from) <= y.year, true) AND coalesce(year(p.valid_to) >= y.year, true)
  WHERE p.kind = 'part'
),
derived AS (
  SELECT
    left(sha256(concat_ws(chr(31), p.parent, c.facility, c.measure, c.sex, c.age, c.legal_status, c.citizenship, c.offence,
                          c.supervision, c.cause, c.unit, '', c.year)), 16) AS figure_id,
    p.parent AS place_id, c.facility, c.measure, c.sex, c.age, c.legal_status, c.citizenship, c.offence, c.supervision,
    c.cause, c.year, sum(c.value) AS value, c.unit,
    max_by(c.status, rank.position) AS status,
    bool_or(c.circa) AS circa, NULL::VARCHAR AS definition,
    min(c.period_start) AS period_start, max(c.period_end) AS period_end,
    CASE WHEN count(DISTINCT c.period_kind) = 1 AND (count(DISTINCT c.period_end) = 1 OR any_value(c.period_kind) <> 'point')
      THEN any_value(c.period_kind) ELSE 'unknown_day' END AS period_kind,
    true AS derived, NULL::VARCHAR AS observation_id,
    string_agg(c.observation_id, ',' ORDER BY c.place_id) AS parts,
    CASE WHEN count(DISTINCT c.source_id) = 1 THEN any_value(c.source_id) ELSE 'several' END AS source_id,
    CASE WHEN count(DISTINCT c.dataset) = 1 THEN any_value(c.dataset) ELSE 'several' END AS dataset,
    max(c.vintage) AS vintage,
    'sum_of_parts' AS rule, count(*) AS candidates, NULL::VARCHAR AS rivals, max_by(c.grade, coalesce(g.position, 0)) AS grade, NULL::DOUBLE AS spread,
    max_by(c.licence, class.position) AS licence, NULL::BIGINT AS witnesses
  FROM chosen c
  JOIN part p USING (place_id, year)
  LEFT JOIN reference.rank g ON g.list = 'grade' AND g.code = c.grade
  JOIN reference.rank rank ON rank.list = 'status' AND rank.code = c.status
  JOIN source s ON s.source_id = c.source_id
  JOIN reference.rank class ON class.list = 'licence_class' AND class.code = s.licence_class
  JOIN reference.measure m ON m.measure = c.measure AND m.nature <> 'ratio'
  WHERE c.definition IS NULL AND c.facility = '_T'
  GROUP BY p.parent, p.siblings, c.facility, c.measure, c.sex, c.age, c.legal_status, c.citizenship, c.offence,
           c.supervision, c.cause, c.year, c.unit
  HAVING count(*) = p.siblings
)
SELECT * FROM chosen
UNION ALL BY NAME
SELECT d.* FROM derived d ANTI JOIN chosen USING (figure_id)
