"""Amazon's Signature Version 4 for S3, as its documentation describes it: what every S3-compatible server checks."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

_EMPTY: Final = hashlib.sha256(b"").hexdigest()


def signed_headers(
    *,
    method: str,
    host: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    region: str,
    access_key: str,
    secret_key: str,
    at: datetime,
) -> dict[str, str]:
    """All headers of a request without a body; ``path`` is quoted already, ``query`` is not. ``at`` is in UTC."""
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    sent = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    sent |= {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(sent)
    request = "\n".join(
        [method, path, query_text(query), *(f"{name}:{sent[name]}" for name in names), "", ";".join(names), _EMPTY]
    )
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = b"AWS4" + secret_key.encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return sent | {"authorization": f"AWS4-HMAC-SHA256 {credential}"}


def query_text(query: Sequence[tuple[str, str]]) -> str:
    """The query in the one form that is signed and sent."""
    return "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query))
