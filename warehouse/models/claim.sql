-- One row a claim in wide use, with the verdict that follows from what bears on it.
WITH counted AS (
  SELECT
    claim,
    count(*) FILTER (bears = 'supports') AS supporting, count(*) FILTER (bears = 'limits') AS limiting,
    count(*) FILTER (bears = 'contradicts') AS contradicting
  FROM claim_evidence GROUP BY claim
)
SELECT
  c.claim, c.text, c.said_by, c.citation,
  CASE
    WHEN coalesce(supporting + limiting + contradicting, 0) = 0 THEN 'cannot_be_checked'
    WHEN supporting = 0 THEN 'not_supported'
    WHEN limiting + contradicting = 0 THEN 'supported'
    ELSE 'supported_with_conditions'
  END AS verdict,
  c.conditions,
  coalesce(supporting, 0) AS supporting, coalesce(limiting, 0) AS limiting, coalesce(contradicting, 0) AS contradicting
FROM reference.claim c LEFT JOIN counted USING (claim)
