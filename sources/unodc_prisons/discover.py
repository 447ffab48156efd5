"""Where the workbook is: the portal's list of files, asked for those whose name holds the workbook's.

The portal may keep several under the name (`..._0.xlsx` where one was uploaded again): the latest changed is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from sources.asked import Link
from sources.errors import refusal
from sources.reading import read_json

FILE = "data_cts_prisons_and_prisoners"
PORTAL = "https://data.unodc.org/"
LIST = (
    f"{PORTAL}jsonapi/file/file?filter[fn][condition][path]=filename&filter[fn][condition][operator]=CONTAINS"
    f"&filter[fn][condition][value]={FILE}.xlsx"
)
NAME = re.compile(rf"{FILE}(_\d+)?\.xlsx", re.ASCII)


def discover(get: Callable[[str], bytes]) -> list[Link]:
    """The workbook that changed last."""
    return [Link(FILE, latest(get(LIST)))]


def latest(api_json: bytes) -> str:
    """The address of the workbook that changed last.

    Raises:
        Refused: when this is no list of files, or none of them is the workbook.
    """
    document = read_json("UNODC's list of files", api_json)
    listed = document.get("data") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise refusal("UNODC's list of files", "there is no list `data`; its layout has changed or it is another page.")
    found = [_entry(entry) for entry in listed]
    known = [(changed, url) for name, url, changed in found if NAME.fullmatch(name)]
    if not known:
        raise refusal("UNODC's list of files", f"none of its {len(found)} files is {FILE}.xlsx; look at the portal.")
    try:
        return urljoin(PORTAL, max(known)[1])
    except TypeError as error:
        why = "some of its changes are said without their time zone, so that the latest would be a guess."
        raise refusal("UNODC's list of files", why) from error


def _entry(entry: Any) -> tuple[str, str, datetime]:
    """Name, address and last change of a file."""
    try:
        told = entry["attributes"]
        name, url, changed = told["filename"], told["uri"]["url"], datetime.fromisoformat(told["changed"])
        if not (isinstance(name, str) and isinstance(url, str)):
            raise TypeError
    except (KeyError, TypeError, ValueError) as error:
        raise refusal(
            "UNODC's list of files", f"the file {str(entry)[:80]} has no name, address and change."
        ) from error
    return name, url, changed
