-- One figure on return to prison or one of its relatives, as its publisher published it, in one vintage of one dataset.
-- What names no publication of its own is cited as its source asks.
SELECT recidivism_id, source_id, file, dataset, vintage, snapshot, locator, place_id, basis, outcome, population, sex, age,
       offence, subgroup, return_offence, cohort_start, cohort_end, cohort_size, follow_up_from_months, follow_up_months,
       counts_technical_violations, returned, rate_percent, events_per_person, status, circa, definition, reported_by,
       coalesce(citation, cited[source_id]) AS citation, evidence, grade, correction_id, note, licence
FROM accepted.recidivism, (SELECT map(list(source_id), list(citation)) AS cited FROM reference.source)
