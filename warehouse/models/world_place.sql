-- One row a day and a state, territory or part: what it gives to the world total on that day, and why nothing where nothing.
-- The latest published figure on or before the day counts, the first one after it where there is none. A place with
-- parts is counted once: by its own figure unless each of its parts has one on or before the day and nearer to it, else by
-- its parts; no figure that comes later is brought back over one that is there already. A place inside another's
-- published figure is not counted. A successor state counts before its day where a publisher counted it then already.
WITH standing AS (
  SELECT day, h.* FROM reference.day JOIN headline h ON h.period_end <= day
  QUALIFY row_number() OVER (PARTITION BY day, place_id ORDER BY year DESC) = 1
),
following AS (
  SELECT d.day, h.*
  FROM reference.day d
  JOIN headline h ON h.period_end > d.day
  LEFT JOIN standing s ON s.day = d.day AND s.place_id = h.place_id, reference.rules
  -- No line is drawn from one definition to another, and none back from a figure that is far off.
  WHERE CASE WHEN s.place_id IS NULL THEN date_diff('day', d.day, h.period_end) <= back_at_most * 365.25
        ELSE s.definition IS NOT DISTINCT FROM h.definition END
  QUALIFY row_number() OVER (PARTITION BY d.day, h.place_id ORDER BY h.year) = 1
),
leaf AS (
  SELECT
    d.day AS as_of, p.place_id, p.name, p.kind, p.parent, p.region, p.subregion,
    s.value AS latest, s.figure_id, s.period_end,
    f.value AS next_value, f.figure_id AS next_figure_id, f.period_end AS next_period_end,
    -- What stands for the place: the latest figure, else the first one after the day.
    coalesce(s.source_id, f.source_id) AS source_id,
    if(s.place_id IS NOT NULL, s.definition, f.definition) AS definition,
    coalesce(s.period_start, f.period_start) AS period_start,
    coalesce(date_diff('day', s.period_end, d.day), date_diff('day', d.day, f.period_end)) AS days
  FROM reference.day d
  CROSS JOIN place p
  LEFT JOIN standing s ON s.day = d.day AND s.place_id = p.place_id
  LEFT JOIN following f ON f.day = d.day AND f.place_id = p.place_id
  WHERE p.kind IN ('state', 'territory', 'part')
    AND (coalesce(p.valid_from <= d.day, true) OR s.place_id IS NOT NULL)
    AND coalesce(p.valid_to >= d.day, true)
),
parent AS (
  SELECT
    as_of, parent AS place_id, count(*) AS parts, count(days) AS parts_with, count(latest) AS parts_before,
    max(days) AS farthest_part, max(days) FILTER (latest IS NOT NULL) AS farthest_before
  FROM leaf WHERE kind = 'part' GROUP BY as_of, parent
),
judged AS (
  SELECT
    l.*,
    own.parts_with AS own_parts_with,
    -- Does this place stand for its parts?
    own.place_id IS NOT NULL AND l.days IS NOT NULL
      AND CASE
        WHEN l.latest IS NOT NULL THEN own.parts_before < own.parts OR l.days <= own.farthest_before
        ELSE own.parts_with < own.parts OR own.parts_before < own.parts AND l.days <= own.farthest_part END AS stands_for_parts
  FROM leaf l LEFT JOIN parent own USING (as_of, place_id)
),
covered AS (
  SELECT j.as_of, c.included AS place_id, c.place_id AS within
  FROM reference.coverage c
  JOIN judged j ON j.place_id = c.place_id AND j.days IS NOT NULL
    AND NOT list_contains(c.unless, j.source_id) AND NOT coalesce(list_contains(c.unless, j.definition), false)
),
missing AS (
  SELECT place_id, sum(central) AS whole, sum(central) FILTER (counts = 'beside') AS beside FROM gap GROUP BY place_id
)
SELECT
  j.as_of, j.place_id, j.name, j.kind, j.region, j.subregion,
  CASE
    WHEN j.kind = 'part' AND up.stands_for_parts THEN 'inside_parent'
    WHEN covered.within IS NOT NULL AND j.days IS NOT NULL THEN 'inside_other'
    WHEN j.days IS NULL AND coalesce(j.own_parts_with, 0) > 0 THEN 'by_parts'
    WHEN j.own_parts_with > 0 AND NOT j.stands_for_parts THEN 'by_parts'
    WHEN j.days IS NULL AND covered.within IS NOT NULL THEN 'inside_other'
    WHEN j.days IS NULL AND missing.whole IS NOT NULL THEN 'gap'
    WHEN j.days IS NULL AND j.kind = 'part' THEN 'no_figure_part'
    WHEN j.days IS NULL THEN 'no_figure'
    WHEN j.latest IS NULL THEN 'brought_back'
    WHEN j.days <= 366 THEN 'reported'
    ELSE 'carried_forward'
  END AS role,
  coalesce(covered.within, CASE WHEN j.kind = 'part' AND up.stands_for_parts THEN j.parent END) AS within,
  j.latest, j.figure_id, j.source_id, j.period_start, j.period_end,
  j.next_value, j.next_figure_id, j.next_period_end,
  -- What counts instead of a figure counts where none includes these people: neither its own, nor its parts', nor another's.
  if(role = 'gap', missing.whole, missing.beside) AS gap
FROM judged j
LEFT JOIN judged up ON up.as_of = j.as_of AND up.place_id = j.parent AND j.kind = 'part'
LEFT JOIN covered ON covered.as_of = j.as_of AND covered.place_id = j.place_id
LEFT JOIN missing ON missing.place_id = j.place_id
