-- One establishment that a publisher counts by itself, as the newest vintage that lists it has it.
SELECT source_id, file, vintage, snapshot, locator, facility, place_id, name, kind, kind_text, note, licence
FROM accepted.facility
QUALIFY row_number() OVER (PARTITION BY facility ORDER BY split_part(vintage, '-r', 1) DESC,
  coalesce(try_cast(split_part(vintage, '-r', 2) AS INTEGER), 0) DESC, file, locator) = 1
