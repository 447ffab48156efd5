-- One row an estimate that a reader of an earlier year would have had, and what was published later.
SELECT
  origin, year, year - origin AS years_ahead, level,
  CASE WHEN level = 'place' THEN c.area ELSE coalesce(p.place_id, 'WLD') END AS place_id,
  places, size_class, carried, central, published,
  low_50, high_50, low_80, high_80, low_90, high_90,
  ln(central / published) AS error, ln(carried / published) AS error_of_carrying,
  published BETWEEN low_50 AND high_50 AS in_50, published BETWEEN low_80 AND high_80 AS in_80,
  published BETWEEN low_90 AND high_90 AS in_90
FROM computed.backtest_case c
LEFT JOIN place p
  ON c.level IN ('region', 'subregion') AND p.kind = 'aggregate' AND p.place_id LIKE 'M49-%'
 AND regexp_replace(p.name, ' \(UN subregion\)$', '') = c.area
