-- One correction of a publisher's evident error, and what became of it in one vintage.
SELECT source_id, file, vintage, correction_id, state, rows, match, expect, change, reason, evidence, decided_on
FROM accepted.correction
