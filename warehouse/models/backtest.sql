-- One row a level, size class and number of years ahead: how often the intervals were right, and by how much estimates erred.
-- Twice: all cases, and those that do not cross into 2020, the year in which prisons were emptied everywhere at once.
WITH sorted AS (
  SELECT *, 'all' AS cases FROM backtest_case
  UNION ALL
  SELECT *, if(origin < 2020 AND year >= 2020, 'crossing_2020', 'not_crossing_2020') FROM backtest_case
)
SELECT
  level, coalesce(size_class::VARCHAR, '_T') AS size_class, years_ahead, cases,
  count(*) AS tested, count(DISTINCT origin) AS origins, count(DISTINCT place_id) AS places,
  avg(in_50::INT) AS covered_50, avg(in_80::INT) AS covered_80, avg(in_90::INT) AS covered_90,
  avg((published < low_90)::INT) AS below_90, avg((published > high_90)::INT) AS above_90,
  median(error) AS bias, median(abs(error)) AS absolute_error, median(abs(error_of_carrying)) AS absolute_error_of_carrying,
  median(ln(high_90 / low_90)) AS width_90
FROM sorted
GROUP BY GROUPING SETS ((level, years_ahead, cases), (level, size_class, years_ahead, cases))
HAVING grouping(size_class) = 1 OR size_class IS NOT NULL
