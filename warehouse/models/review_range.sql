-- One range or pooled figure that a review of many studies gives, as read; the latest vintage alone.
SELECT review_range_id, source_id, file, vintage, snapshot, locator, kind_text, geography, reference, follow_up_text,
       outcome_text, value_text, low, high, unit_text, citation, evidence, grade, note, licence
FROM accepted.review_range
SEMI JOIN (SELECT * FROM snapshot WHERE current) USING (source_id, file, vintage)
