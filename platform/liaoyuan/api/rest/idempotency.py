"""``Idempotency-Key``: the same request sent twice has one effect."""

import hashlib

from liaoyuan.api.rest.door import ApiRequest
from liaoyuan.errors import InvalidInput

HEADER = "Idempotency-Key"
LONGEST = 200


def idempotency_key(request: ApiRequest, *scope: object) -> str:
    """What the ledger stores for the header: bound to the person, the operation and its object; empty without a header.

    Raises InvalidInput for one that is too long.
    """
    sent = request.headers.get(HEADER, "")
    if len(sent) > LONGEST:
        raise InvalidInput(detail=f"{HEADER}: > {LONGEST}")
    if not sent:
        return ""
    parts = "\x00".join([str(request.auth.user_id), *map(str, scope), sent])
    return f"api:{hashlib.sha256(parts.encode()).hexdigest()}"
