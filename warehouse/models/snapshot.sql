-- One row a publisher's file from which a vintage was accepted, with the counts that add up.
SELECT source_id, file, vintage, snapshot, file_name, bytes, media_type, retrieved_at, obtained, url,
       items, observations, left_out,
       row_number() OVER (
         PARTITION BY source_id, file
         ORDER BY split_part(vintage, '-r', 1) DESC, coalesce(try_cast(split_part(vintage, '-r', 2) AS INTEGER), 0) DESC
       ) = 1 AS current,
       extends,
       licence
FROM reference.snapshot
