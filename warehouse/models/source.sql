-- One row a source, from its source.yml.
SELECT source_id, title, publisher, tier, homepage, licence, licence_class, cadence, citation, verified
FROM reference.source
