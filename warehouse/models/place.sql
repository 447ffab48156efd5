-- One row a place: states, territories, parts of places and groups of places, from sources/places.csv.
SELECT place_id, name, iso3, m49, kind, parent, region, subregion, valid_from, valid_to
FROM reference.place
