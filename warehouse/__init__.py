"""What we know: checked and accepted rows, and the DuckDB tables made of them.

Here belong the checks, the acceptance of vintages, the models (one .sql file = one table) and the build of the
warehouse file. Publishing is the exports' business, and no file here knows Dagster.
"""
