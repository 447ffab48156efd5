-- One group of people whom no source counts, with the range that a publication gives.
SELECT source_id, file, vintage, snapshot, locator, place_id, component, measure, low, central, high, reference,
       citation, note, licence
FROM accepted.gap
