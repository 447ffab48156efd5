"""Reading archived files again with the code that has read them already, as after a library was replaced.

Where the code has changed, `warehouse.intake` does it unasked.
"""

from __future__ import annotations

from collections.abc import Collection

from sources.catalogue import Source
from sources.errors import Misused
from sources.home import Home
from warehouse.intake import Ground, Verdict, decide


def reread(home: Home, source: Source, files: Collection[str] = (), vintages: Collection[str] = ()) -> list[Verdict]:
    """Read a source's archived files again, all of them or those that are chosen, and decide each anew.

    Args:
        home: whose archive.
        source: the source.
        files: only of these of its files.
        vintages: only those that became one of these vintages.

    Raises:
        Misused: when nothing in the archive is meant.
    """
    ground = Ground(home, source, again=True)
    became = {(v.file, v.snapshot["sha256"]): v.vintage for v in ground.vintages}
    chosen = [
        snapshot
        for file in source.files
        if not files or file in files
        for snapshot in ground.archive.snapshots(source.id, file)
        if not vintages or became.get((file, snapshot.sha256)) in vintages
    ]
    if not chosen and (files or vintages):
        meant = " ".join([*files, *vintages])
        raise Misused(f"Nothing of {source.id} in the archive is {meant}; `custody status --json` lists what there is.")
    return [decide(ground, snapshot) for snapshot in chosen]
