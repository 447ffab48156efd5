-- One row a publisher's file from which a vintage was accepted, with the counts that add up.
WITH ordered AS (
  SELECT * REPLACE (dense_rank() OVER (
    PARTITION BY source_id
    ORDER BY split_part(vintage, '-r', 1), coalesce(try_cast(split_part(vintage, '-r', 2) AS INTEGER), 0)
  ) AS position)
  FROM reference.snapshot
)
SELECT source_id, file, vintage, snapshot, file_name, bytes, media_type, retrieved_at, obtained, url, url_verified,
       items, observations, left_out, position,
       position = max(position) OVER (PARTITION BY source_id, file) AS current,
       extends,
       licence, accepted_despite
FROM ordered
