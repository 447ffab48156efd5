-- One row or group of cells of a publisher's file that became no observation, with the reason.
SELECT source_id, file, vintage, snapshot, locator, items, reason, raw, correction_id
FROM accepted.left_out
