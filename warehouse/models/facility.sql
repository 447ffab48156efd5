-- One establishment that a publisher counts by itself, as the newest vintage that lists it has it.
SELECT source_id, file, vintage, snapshot, locator, facility, place_id, name, kind, kind_text, note, licence
FROM accepted.facility
QUALIFY row_number() OVER (PARTITION BY facility ORDER BY vintage DESC, file, locator) = 1
