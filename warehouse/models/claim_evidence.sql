-- One row a figure that bears on a claim, as claims.yml asks for it.
SELECT claim, row_number() OVER (PARTITION BY claim ORDER BY rank, value DESC NULLS LAST, what, row_key) AS item,
       row_table, row_key, what, value, unit AS unit_text, bears
FROM (
  SELECT *, list_position(['supports', 'contradicts', 'limits', 'background'], bears) AS rank FROM computed.claim_evidence
)
