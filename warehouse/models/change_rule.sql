-- One row a direction and number of years: what the published history says of how persons held change over so many years.
SELECT direction, span AS years, drift, follow, spread_base, spread_size, spread_unrest, usual_unrest, low_90, high_90, windows, changes
FROM computed.change_rule
