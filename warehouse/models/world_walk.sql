-- One row a day and step from the plain sum of the latest published figures to the world total.
WITH placed AS (
  SELECT
    w.*, e.basis, e.persons, population.value AS population,
    coalesce(w.latest, w.next_value) AS figure,
    w.role IN ('reported', 'carried_forward', 'brought_back') AS adds
  FROM world_place w
  LEFT JOIN estimate e USING (as_of, place_id)
  ASOF LEFT JOIN population ON population.place_id = w.place_id AND population.year <= year(w.as_of)
),
plain AS (
  SELECT as_of, 100 AS place_in_walk, 'latest' AS code, 'component' AS role, 'Latest published figure of every place that has one, added up' AS title,
         coalesce(sum(latest), 0) AS value, count(latest) AS places, sum(population) FILTER (latest IS NOT NULL) AS people,
         'Places of all kinds, parts included, so some people are in it twice.' AS note
  FROM placed GROUP BY as_of
),
later AS (
  SELECT as_of, 110, 'first_later', 'component', 'First later figure of places that have none on or before the day',
         sum(next_value), count(*), sum(population), string_agg(name, ', ' ORDER BY place_id)
  FROM placed WHERE role = 'brought_back' GROUP BY as_of
),
twice AS (
  SELECT
    as_of,
    CASE role WHEN 'inside_parent' THEN 200 WHEN 'inside_other' THEN 210 ELSE 220 END, role, 'component',
    CASE role
      WHEN 'inside_parent' THEN 'Counted twice: parts whose parent gives a figure as recent'
      WHEN 'inside_other' THEN 'Counted twice: places inside another place''s published figure'
      ELSE 'Counted twice: places whose parts give more recent figures' END,
    -sum(latest), count(*), NULL::DOUBLE,
    string_agg(name || if(role = 'inside_other', ' in ' || within, ''), ', ' ORDER BY place_id)
  FROM placed WHERE role IN ('inside_parent', 'inside_other', 'by_parts') AND latest IS NOT NULL GROUP BY as_of, role
),
once AS (
  SELECT as_of, 300, 'once', 'subtotal', 'Everybody in published figures, each counted once',
         coalesce(sum(figure) FILTER (adds), 0), count(*) FILTER (adds), sum(population) FILTER (adds), NULL::VARCHAR
  FROM placed GROUP BY as_of
),
reported AS (
  SELECT as_of, 310, 'reported', 'memo', 'of which from figures no older than one year on the day',
         coalesce(sum(latest) FILTER (role = 'reported'), 0), count(*) FILTER (role = 'reported'), sum(population) FILTER (role = 'reported'),
         NULL::VARCHAR
  FROM placed GROUP BY as_of
),
carried AS (
  SELECT as_of, 320, 'carried_forward', 'memo', 'of which from older figures',
         coalesce(sum(latest), 0), count(*), sum(population),
         'The oldest of ' || min(year(period_end)) || ', the newest of ' || max(year(period_end)) || ', the middle one of ' || quantile_disc(year(period_end), 0.5) || '.'
  FROM placed WHERE role = 'carried_forward' GROUP BY as_of
),
brought AS (
  SELECT
    as_of,
    CASE basis WHEN 'interpolated' THEN 400 WHEN 'brought_forward' THEN 410 WHEN 'brought_back' THEN 420 ELSE 430 END,
    if(basis = 'published', 'rounded', basis), 'component',
    CASE basis
      WHEN 'interpolated' THEN 'Brought to the day, between two published figures'
      WHEN 'brought_forward' THEN 'Brought forward to the day, from the latest figure'
      WHEN 'brought_back' THEN 'Brought back to the day, from the first figure'
      ELSE 'Figures of the day itself, rounded to whole persons' END,
    sum(persons - figure), count(*), sum(population),
    CASE basis
      WHEN 'interpolated' THEN 'What a straight line of logarithms between the two adds to the earlier one.'
      WHEN 'published' THEN NULL
      ELSE 'What change since is expected to add, as changes have been.' END
  FROM placed WHERE adds AND (basis <> 'published' OR persons <> figure) GROUP BY as_of, basis
),
uncounted AS (
  SELECT
    as_of, 500 + row_number() OVER (PARTITION BY as_of ORDER BY place_id, component),
    concat_ws(': ', place_id, component),
    if(included, 'memo', 'component'),
    if(central IS NULL, 'Known to nobody: ', 'By a publication alone: ') || name || ', ' || component,
    central, if(central IS NULL, 0, 1), NULL::DOUBLE,
    concat_ws(' ', if(central IS NULL, 'Unknown; counts as nothing.', NULL),
      if(included, 'Not added: there is a published figure now.', NULL),
      'As of ' || reference || '.',
      if(central IS NOT NULL AND low IS NOT NULL AND high IS NULL, 'The interval takes as much above the value as the low end is below.', NULL),
      if(low IS DISTINCT FROM high,
        'Range ' || coalesce(format('{:,}', low::BIGINT), 'unknown') || ' to ' || coalesce(format('{:,}', high::BIGINT), 'unknown') || '.', NULL),
      citation || '.', upper(left(note, 1)) || substr(note, 2) || '.')
  FROM (
    SELECT *, counts = 'instead' AND role NOT IN ('gap', 'no_figure', 'no_figure_part') AS included
    FROM gap JOIN placed USING (place_id)
  )
),
total AS (
  SELECT as_of, 900, 'total', 'total', 'World total', w.central,
         (SELECT count(*) FROM placed p WHERE p.as_of = w.as_of AND (adds OR gap IS NOT NULL)), NULL::DOUBLE,
         concat_ws(' ', 'Places with a published figure or a gap, each once.',
           'Between ' || format('{:,}', low::BIGINT) || ' and ' || format('{:,}', high::BIGINT) || ' with a probability of 90 %.')
  FROM world_total w WHERE w.place_id = 'WLD' AND sex = '_T' AND legal_status = '_T'
),
-- Those under one legal status, of a place of which nobody publishes how many it holds in all.
in_part AS (
  SELECT w.as_of, w.place_id, format('{:,}', value::BIGINT) || ' ' || lower(legal_status) || ' at the end of ' || f.year AS says
  FROM placed w
  JOIN figure f ON f.place_id = w.place_id AND f.period_end <= w.as_of
  WHERE w.role = 'no_figure' AND f.measure = 'persons_held' AND f.legal_status <> '_T' AND f.sex = '_T' AND f.age = '_T'
    AND f.citizenship = '_T' AND f.offence = '_T' AND f.facility = '_T' AND f.definition IS NULL
  QUALIFY row_number() OVER (PARTITION BY w.as_of, w.place_id ORDER BY f.period_end DESC, value DESC) = 1
),
missing AS (
  SELECT as_of, 910, 'missing', 'memo', 'States, territories and parts without a published count of everybody held', NULL::DOUBLE, count(*), sum(population),
         concat_ws('; ',
           'of some a part is published, which is not added: ' || string_agg(name || ' (' || says || ')', ', ' ORDER BY name) FILTER (says IS NOT NULL),
           'of others nothing: ' || string_agg(name, ', ' ORDER BY population DESC) FILTER (says IS NULL AND population IS NOT NULL),
           'and their population is not known either: ' || string_agg(name, ', ' ORDER BY name) FILTER (says IS NULL AND population IS NULL))
  FROM placed LEFT JOIN in_part USING (as_of, place_id)
  -- A former state that nobody counted is its successors, of which each counts or is missing by itself.
  WHERE role = 'no_figure' AND place_id NOT IN (SELECT place_id FROM place WHERE valid_to IS NOT NULL)
     OR role = 'no_figure_part'
        AND (as_of, place_id) IN (SELECT (up.as_of, p.place_id) FROM place p JOIN placed up ON up.place_id = p.parent WHERE up.role = 'by_parts')
  GROUP BY as_of
),
step AS (
  SELECT * FROM plain UNION ALL SELECT * FROM later UNION ALL SELECT * FROM twice
  UNION ALL SELECT * FROM once UNION ALL SELECT * FROM reported UNION ALL SELECT * FROM carried
  UNION ALL SELECT * FROM brought UNION ALL SELECT * FROM uncounted UNION ALL SELECT * FROM total UNION ALL SELECT * FROM missing
)
SELECT
  step.as_of, row_number() OVER (PARTITION BY step.as_of ORDER BY place_in_walk) AS step, code, role, title, step.value, places,
  if(people > world.value, 1, people / world.value) AS population_share, note
FROM step
ASOF LEFT JOIN (FROM population WHERE place_id = 'WLD') world ON world.year <= year(step.as_of)
WHERE step.as_of IN (SELECT as_of FROM world_total)
