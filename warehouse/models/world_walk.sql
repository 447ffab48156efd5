-- One row a step from the plain sum of the latest published figures to the world total of the reference day.
WITH lately AS (
  SELECT place_id, max_by(value, year) AS population
  FROM population WHERE year <= year(getvariable('as_of')) GROUP BY place_id
),
world AS (SELECT population FROM lately WHERE place_id = 'WLD'),
place_now AS (
  SELECT w.*, l.population FROM world_place w LEFT JOIN lately l USING (place_id)
),
plain AS (
  SELECT 100 AS place_in_walk, 'component' AS role, 'Latest published figure of every place that has one, added up' AS title,
         coalesce(sum(latest), 0) AS value, count(latest) AS places, sum(population) FILTER (latest IS NOT NULL) AS people,
         'Places of all kinds, parts included, so some people are in it twice.' AS note
  FROM place_now
),
inside_parent AS (
  SELECT 200, 'component', 'Counted twice: parts whose parent gives a figure as recent',
         -sum(latest), count(*), NULL::DOUBLE, string_agg(name, ', ' ORDER BY place_id)
  FROM place_now WHERE role = 'inside_parent' AND latest IS NOT NULL
),
inside_other AS (
  SELECT 210, 'component', 'Counted twice: places inside another place''s published figure',
         -sum(latest), count(*), NULL::DOUBLE, string_agg(name || ' in ' || within, ', ' ORDER BY place_id)
  FROM place_now WHERE role = 'inside_other' AND latest IS NOT NULL
),
by_parts AS (
  SELECT 220, 'component', 'Counted twice: places whose parts give more recent figures',
         -sum(latest), count(*), NULL::DOUBLE, string_agg(name, ', ' ORDER BY place_id)
  FROM place_now WHERE role = 'by_parts' AND latest IS NOT NULL
),
once AS (
  SELECT 300, 'subtotal', 'Everybody in published figures, each counted once',
         coalesce(sum(latest), 0), count(*), sum(population), NULL::VARCHAR
  FROM place_now WHERE role IN ('reported', 'carried_forward')
),
reported AS (
  SELECT 310, 'memo', 'of which from figures no older than one year on the day',
         coalesce(sum(latest), 0), count(*), sum(population), NULL::VARCHAR
  FROM place_now WHERE role = 'reported'
),
carried AS (
  SELECT 320, 'memo', 'of which from older figures, carried forward unchanged',
         coalesce(sum(latest), 0), count(*), sum(population),
         'The oldest of ' || min(year(period_end)) || ', the newest of ' || max(year(period_end)) || ', the middle one of ' || quantile_disc(year(period_end), 0.5) || '.'
  FROM place_now WHERE role = 'carried_forward'
),
uncounted AS (
  SELECT
    400 + row_number() OVER (ORDER BY place_id, component),
    CASE WHEN gap.counts = 'instead' AND latest IS NOT NULL THEN 'memo' ELSE 'component' END,
    'Not counted by any source: ' || name || ', ' || component,
    central, CASE WHEN central IS NULL THEN 0 ELSE 1 END, NULL::DOUBLE,
    concat_ws(' ', CASE WHEN central IS NULL THEN 'Unknown; counts as nothing.' END,
      CASE WHEN gap.counts = 'instead' AND latest IS NOT NULL THEN 'Not added: there is a published figure now.' END,
      CASE WHEN low IS DISTINCT FROM high
        THEN 'Range ' || coalesce(format('{:,}', low::BIGINT), 'unknown') || ' to ' || coalesce(format('{:,}', high::BIGINT), 'unknown') || '.' END,
      citation || '.', upper(left(gap.note, 1)) || substr(gap.note, 2) || '.')
  FROM gap JOIN place_now USING (place_id)
),
total AS (
  SELECT 900, 'total', 'World total, not yet brought forward to the day',
         w.total, (SELECT count(*) FROM place_now WHERE role IN ('reported', 'carried_forward') OR gap IS NOT NULL),
         NULL::DOUBLE, 'Places with a published figure or a gap, each once.'
  FROM world_total w WHERE w.place_id = 'WLD'
),
missing AS (
  SELECT 910, 'memo', 'States, territories and parts without a published count of everybody held', NULL::DOUBLE, count(*), sum(population),
         concat_ws('; ',
           string_agg(name, ', ' ORDER BY population DESC) FILTER (population IS NOT NULL),
           'their population not known either: ' || string_agg(name, ', ' ORDER BY name) FILTER (population IS NULL))
  FROM place_now
  WHERE role = 'no_figure'
     OR role = 'no_figure_part'
        AND place_id IN (SELECT p.place_id FROM place p JOIN place_now up ON up.place_id = p.parent WHERE up.role = 'by_parts')
),
step AS (
  SELECT * FROM plain
  UNION ALL SELECT * FROM inside_parent WHERE (SELECT count(*) FROM place_now WHERE role = 'inside_parent' AND latest IS NOT NULL) > 0
  UNION ALL SELECT * FROM inside_other WHERE (SELECT count(*) FROM place_now WHERE role = 'inside_other' AND latest IS NOT NULL) > 0
  UNION ALL SELECT * FROM by_parts WHERE (SELECT count(*) FROM place_now WHERE role = 'by_parts' AND latest IS NOT NULL) > 0
  UNION ALL SELECT * FROM once
  UNION ALL SELECT * FROM reported
  UNION ALL SELECT * FROM carried
  UNION ALL SELECT * FROM uncounted
  UNION ALL SELECT * FROM total
  UNION ALL SELECT * FROM missing
)
SELECT
  getvariable('as_of') AS as_of, row_number() OVER (ORDER BY place_in_walk) AS step, role, title, value, places,
  if(share > 1, 1, share) AS population_share, note
FROM (SELECT *, people / (SELECT population FROM world) AS share FROM step)
