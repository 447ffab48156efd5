-- One row a state, territory or part: what it gives to the world total on the reference day, and why nothing where nothing.
-- The latest published figure on or before the day is taken. A place with parts is counted once: by its own figure
-- unless each of its parts has a newer one, else by its parts. A place inside another's published figure is not counted.
WITH latest AS (
  SELECT place_id, figure_id, value, source_id, period_start, period_end
  FROM figure
  JOIN reference.headline ON headline.measure = figure.measure AND headline.definition IS NOT DISTINCT FROM figure.definition
  ANTI JOIN (SELECT code AS grade FROM reference.rank WHERE list = 'never_alone') USING (grade)
  WHERE figure.measure = 'persons_held' AND facility = '_T' AND NOT derived
    AND sex = '_T' AND age = '_T' AND legal_status = '_T' AND citizenship = '_T' AND offence = '_T'
    AND period_end <= getvariable('as_of')
  QUALIFY row_number() OVER (PARTITION BY place_id ORDER BY year DESC, position) = 1
),
leaf AS (
  SELECT p.place_id, p.name, p.kind, p.parent, p.region, p.subregion, l.* EXCLUDE (place_id)
  FROM place p
  LEFT JOIN latest l USING (place_id)
  WHERE p.kind IN ('state', 'territory', 'part')
    AND coalesce(p.valid_from <= getvariable('as_of'), true) AND coalesce(p.valid_to >= getvariable('as_of'), true)
),
parent AS (
  SELECT
    part.parent AS place_id,
    count(*) AS parts, count(part.value) AS parts_with,
    min(part.period_end) AS oldest_part
  FROM leaf part WHERE part.kind = 'part' GROUP BY part.parent
),
judged AS (
  SELECT
    l.*,
    own.parts_with AS own_parts_with,
    -- Does this place stand for its parts?
    own.place_id IS NOT NULL AND l.value IS NOT NULL
      AND (own.parts_with < own.parts OR l.period_end >= own.oldest_part) AS stands_for_parts
  FROM leaf l LEFT JOIN parent own USING (place_id)
),
covered AS (
  SELECT c.included AS place_id, c.place_id AS within
  FROM reference.coverage c
  JOIN judged j ON j.place_id = c.place_id AND j.value IS NOT NULL AND NOT list_contains(c.unless, j.source_id)
),
gap AS (
  SELECT g.place_id, sum(g.central) FILTER (g.counts = 'beside' OR j.value IS NULL) AS gap
  FROM gap g JOIN judged j USING (place_id) GROUP BY g.place_id
)
SELECT
  getvariable('as_of') AS as_of,
  j.place_id, j.name, j.kind, j.region, j.subregion,
  CASE
    WHEN j.kind = 'part' AND up.stands_for_parts THEN 'inside_parent'
    WHEN covered.within IS NOT NULL AND j.value IS NOT NULL THEN 'inside_other'
    WHEN j.value IS NULL AND coalesce(j.own_parts_with, 0) > 0 THEN 'by_parts'
    WHEN j.own_parts_with > 0 AND NOT j.stands_for_parts THEN 'by_parts'
    WHEN j.value IS NULL AND covered.within IS NOT NULL THEN 'inside_other'
    WHEN j.value IS NULL AND gap.gap IS NOT NULL THEN 'gap'
    WHEN j.value IS NULL AND j.kind = 'part' THEN 'no_figure_part'
    WHEN j.value IS NULL THEN 'no_figure'
    WHEN date_diff('day', j.period_end, getvariable('as_of')) <= 366 THEN 'reported'
    ELSE 'carried_forward'
  END AS role,
  coalesce(covered.within, CASE WHEN j.kind = 'part' AND up.stands_for_parts THEN j.parent END) AS within,
  j.value AS latest, j.figure_id, j.source_id, j.period_start, j.period_end,
  gap.gap AS gap
FROM judged j
LEFT JOIN judged up ON up.place_id = j.parent AND j.kind = 'part'
LEFT JOIN covered ON covered.place_id = j.place_id
LEFT JOIN gap ON gap.place_id = j.place_id
