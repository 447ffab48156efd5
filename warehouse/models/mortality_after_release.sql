-- One figure on deaths after release from prison, as read in one publication; the latest vintage alone.
SELECT mortality_id, source_id, file, vintage, snapshot, locator, geography, place_id, cohort_text, window_text, outcome_text,
       measure_text, value_text, value, ci_low, ci_high, reference_population, citation, evidence, grade, note, licence
FROM accepted.mortality_after_release
SEMI JOIN (SELECT * FROM snapshot WHERE current) USING (source_id, file, vintage)
