-- One establishment that a publisher counts by itself, as the newest vintage that lists it has it.
SELECT f.source_id, f.file, f.vintage, f.snapshot, f.locator, f.facility, f.place_id, f.name, f.kind, f.kind_text, f.note,
       f.licence
FROM accepted.facility f
JOIN snapshot s USING (source_id, file, vintage)
QUALIFY row_number() OVER (PARTITION BY f.facility ORDER BY s.position DESC, f.file, f.locator) = 1
