-- One row a publisher's file from which a vintage was accepted, with the counts that add up.
SELECT source_id, file, vintage, snapshot, file_name, bytes, media_type, retrieved_at, obtained, url,
       items, observations, left_out, licence
FROM reference.snapshot
