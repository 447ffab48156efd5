-- One figure as its publisher published it, in one vintage of one dataset.
-- What names no publication of its own is cited as its source asks.
SELECT observation_id, source_id, file, dataset, vintage, snapshot, locator, place_id, facility, measure, sex, age,
       legal_status, citizenship, offence, supervision, cause, period_start, period_end, period_kind, value,
       unit, status, circa, definition, reported_by, coalesce(citation, cited[source_id]) AS citation, evidence, grade,
       correction_id, note, licence
FROM accepted.observation, (SELECT map(list(source_id), list(citation)) AS cited FROM reference.source)
