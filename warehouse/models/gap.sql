-- One group of people whom no source counts, with the range that a publication gives; the latest vintage alone.
SELECT source_id, file, vintage, snapshot, locator, place_id, component, counts, measure, low, central, high, reference,
       citation, note, licence
FROM accepted.gap
SEMI JOIN (SELECT * FROM snapshot WHERE current) USING (source_id, file, vintage)
