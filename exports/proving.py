"""How a stranger proves a figure with ordinary tools: an example out of a release's own rows, for its README."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

#: A figure that is shortest to prove: a whole, uncorrected, of a file with plain cells that has an address.
EXAMPLE = """
SELECT f.figure_id, f.place_id, f.year, f.observation_id, o.locator, o.snapshot, o.value, s.file_name, s.url,
       string_split(o.locator, ':')[2] AS line, string_split(o.locator, ':')[3] AS cell
FROM figure f JOIN observation o USING (observation_id)
JOIN snapshot s ON (s.source_id, s.file, s.vintage) = (o.source_id, o.file, o.vintage)
WHERE f.measure = 'persons_held' AND f.facility = '_T' AND o.source_id = 'eurostat_prisons'
  AND [f.sex, f.age, f.legal_status, f.citizenship] = ['_T', '_T', '_T', '_T']
  AND regexp_full_match(o.locator, '[a-z_]+[.]csv:[0-9]+:[0-9]+') AND o.correction_id IS NULL AND s.url IS NOT NULL
ORDER BY f.year DESC, f.place_id LIMIT 1
"""

#: What the steps are where there is no such figure.
ANY = {
    "said": "With the ids of your figure in place of the words in capitals:",
    "figure_id": "FIGURE_ID", "observation_id": "OBSERVATION_ID", "snapshot": "SNAPSHOT", "file_name": "FILE",
    "url": "column url of table snapshot", "locator": "column locator of table observation",
    "look": "sed -n 'LINEp' FILE | cut -d, -f CELL", "value": "column value of table observation",
}  # fmt: skip


def steps(rows: Mapping[str, pa.Table]) -> str:
    """The steps by which anybody proves a figure of the release, without Custody; by an example where one is short."""
    return STEPS.format(**(_example(rows) or ANY))


def _example(rows: Mapping[str, pa.Table]) -> dict[str, str] | None:
    with duckdb.connect() as connection:
        for table in ("figure", "observation", "snapshot"):
            if table not in rows:
                return None
            connection.register(table, rows[table])
        answer = connection.execute(EXAMPLE)
        names = [column[0] for column in answer.description or ()]
        found = answer.fetchone()
    if found is None:
        return None
    one = dict(zip(names, found, strict=True))
    return {
        **{name: str(value) for name, value in one.items()},
        "said": f"Here the persons held in {one['place_id']} in {one['year']}:",
        "value": f"{one['value']:.15g}",
        "look": f"sed -n {one['line']}p {one['file_name']} | cut -d, -f{one['cell']}",
    }


STEPS = """\
To prove a figure by hand, years from now and without Custody. {said}

1. The figure, and the observation that was chosen for it (column observation_id):
     grep '^{figure_id},' tables/figure.csv
2. What was observed: its file by SHA-256 (column snapshot), the place in it (locator), the value:
     grep '^{observation_id},' tables/observation.csv
3. The file's name and address:
     grep '{snapshot}' tables/snapshot.csv
   Get the file {file_name} from its publisher:
     {url}
   Where url_verified is not true, the file is only said to be there. A publisher may have put a later
   edition in its place: then ask the publisher, or a web archive, for the edition of that vintage.
4. It is the file if this prints the SHA-256 of step 2:
     sha256sum {file_name}
5. Follow the locator, {locator}, as locators.md says; a spreadsheet shows the same cell:
     {look}
   It holds {value}, or as much in the publisher's own writing.
"""
