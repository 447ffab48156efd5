"""All that Dagster's own programs load, by workspace.yaml: what is made, and what runs without being asked."""

from __future__ import annotations

import dagster as dg

from pipelines import assets, automation

defs = dg.Definitions.merge(assets.made, automation.automated)
