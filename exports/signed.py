"""One small object of an S3-compatible store, read with its tag and replaced only while it still bears that tag.

pyarrow, which does all else on a store, cannot ask for a condition (If-Match). Requests are signed as Amazon describes
it (Signature Version 4), which other stores take as well.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from urllib.parse import quote, urlsplit

from sources.home import sha256

#: The answers of a store whose object is no longer the one that was meant, and of one that knows no conditions.
CHANGED, UNKNOWN = (409, 412), 501


@dataclass(frozen=True)
class Keys:
    """Who asks."""

    id: str
    secret: str
    token: str | None = None

    @classmethod
    def from_environment(cls) -> Keys | None:
        """Those of AWS's usual environment variables; None where they are not all there."""
        key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        return cls(key, secret, os.environ.get("AWS_SESSION_TOKEN") or None) if key and secret else None


def read(url: str, keys: Keys, region: str) -> tuple[bytes | None, str]:
    """What an object holds, in one answer, and its tag; None where there is none.

    pyarrow asks for the size first and then for the bytes, which may be another writer's by then.

    Raises:
        OSError: when the store cannot be reached or answers with an error.
    """
    status, data, tag = _ask("GET", url, b"", keys, region, {})
    if status == 404:
        return None, ""
    if status != 200:
        raise _failed(status, data)
    return data, tag


def _failed(status: int, body: bytes) -> OSError:
    """The error of an answer, with the store's own code where it gives one."""
    code = re.search(rb"<Code>(\w+)</Code>", body)
    return OSError(f"the store answers {status}{f' ({code[1].decode()})' if code else ''}")


def replace(
    url: str, before: bytes | None, after: bytes, keys: Keys, region: str, headers: Mapping[str, str]
) -> bool | None:
    """Put `after` in the place of `before`; False where the store has something else by now.

    Args:
        url: the object's address.
        before: what it held, None where there was none.
        after: what it is to hold.
        keys: who asks.
        region: of the store.
        headers: what the store is to say of the object.

    Returns:
        None where the store knows no conditions; nothing was written then.

    Raises:
        OSError: when the store cannot be reached or answers with an error.
    """
    data, tag = read(url, keys, region)
    if data != before:
        return False
    condition = {"If-None-Match": "*"} if before is None else {"If-Match": tag}
    status, said, _ = _ask("PUT", url, after, keys, region, {**headers, **condition})
    if status == UNKNOWN:
        return None
    gone = status == 404 and before is not None
    if status != 200 and status not in CHANGED and not gone:
        raise _failed(status, said)
    return status == 200


def _ask(
    method: str, url: str, body: bytes, keys: Keys, region: str, headers: Mapping[str, str]
) -> tuple[int, bytes, str]:
    """Status, body and tag of the answer."""
    import requests

    with requests.Session() as session:
        session.auth = lambda request: request  # what ~/.netrc holds is for nobody here
        signed = sign(method, url, body, keys, region, headers, datetime.now(UTC))
        answer = session.request(
            method, url, data=body or None, headers=signed, timeout=(10, 60), allow_redirects=False
        )
    return answer.status_code, answer.content, answer.headers.get("ETag", "")


def sign(
    method: str, url: str, body: bytes, keys: Keys, region: str, headers: Mapping[str, str], when: datetime
) -> dict[str, str]:
    """The headers of a request with its signature; the address has no query."""
    parts, stamp = urlsplit(url), when.strftime("%Y%m%dT%H%M%SZ")
    own = {
        **{name.lower(): value for name, value in headers.items()},
        "host": parts.netloc,
        "x-amz-content-sha256": sha256(body),
        "x-amz-date": stamp,
        **({"x-amz-security-token": keys.token} if keys.token else {}),
    }
    names = sorted(own)
    lines = [method, parts.path, "", *(f"{name}:{own[name]}" for name in names), "", ";".join(names), sha256(body)]
    scope = [stamp[:8], region, "s3", "aws4_request"]
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), sha256("\n".join(lines).encode())])
    key = reduce(lambda made, part: hmac.digest(made, part.encode(), "sha256"), scope, f"AWS4{keys.secret}".encode())
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    own["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.id}/{'/'.join(scope)}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return own


def address(endpoint: str, path: str) -> str:
    """The address of an object by bucket and name, as it is signed."""
    return f"{endpoint}/{quote(path, safe='/-_.~')}"
