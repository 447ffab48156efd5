-- One total that somebody has published, as they wrote it, with the caveats; the latest vintage alone.
SELECT source_id, file, vintage, snapshot, locator, topic, geography, place_id, reference, reference_year,
       value_text, unit_text, value, circa, citation, evidence, grade, note, licence
FROM accepted.published_total
SEMI JOIN (SELECT * FROM snapshot WHERE current) USING (source_id, file, vintage)
