-- One total that somebody has published, as they wrote it, with the caveats; the latest vintage alone.
SELECT source_id, file, vintage, snapshot, locator, topic, geography, place_id, reference, reference_year,
       value_text, unit_text, value, circa, citation, evidence, grade, note, licence
FROM accepted.published_total
JOIN (
  SELECT source_id, file,
         max_by(vintage, (split_part(vintage, '-r', 1), coalesce(try_cast(split_part(vintage, '-r', 2) AS INTEGER), 0))) AS vintage
  FROM snapshot GROUP BY ALL
) USING (source_id, file, vintage)
