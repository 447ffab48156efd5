"""The Dagster definitions: assets, checks, the job. Thin: everything is decided in the other rooms."""
