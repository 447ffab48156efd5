-- One group of people whom no source counts, with the range that a publication gives; the latest vintage alone.
SELECT source_id, file, vintage, snapshot, locator, place_id, component, measure, low, central, high, reference,
       citation, note, licence
FROM accepted.gap
JOIN (
  SELECT source_id, file,
         max_by(vintage, (split_part(vintage, '-r', 1), coalesce(try_cast(split_part(vintage, '-r', 2) AS INTEGER), 0))) AS vintage
  FROM snapshot GROUP BY ALL
) USING (source_id, file, vintage)
