"""The hash-chained audit log: a digest covers the link before it, so an edit, a deletion or a swap is found."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.db import connection
from django.utils import timezone

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.tenancy import current_tenant

GENESIS = "0" * 64


class Link(Protocol):
    """One entry of a chain."""

    seq: int
    previous: str
    digest: str


LinkT = TypeVar("LinkT", bound=Link)


@dataclass(frozen=True)
class ChainReport:
    """Result of walking one chain. ``first_bad`` is the sequence number at which it first breaks."""

    ok: bool
    checked: int
    first_bad: int | None
    head: str


def link_digest(event: AuditEvent) -> str:
    """SHA-256 over the previous digest and the canonical JSON of this link."""
    body = {
        "organization": str(event.organization_id),
        "seq": event.seq,
        "actor": event.actor,
        "action": event.action,
        "object_kind": event.object_kind,
        "object_id": event.object_id,
        "detail": event.detail,
        "at": event.at.isoformat(),
    }
    return body_digest(event.previous, body)


def body_digest(previous: str, body: Mapping[str, Any]) -> str:
    """SHA-256 over the previous link's digest and the canonical JSON of ``body``, for each chain that is kept."""
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256((previous + canonical).encode()).hexdigest()


def storable(value: Any) -> Any:
    """``value`` as PostgreSQL will give it back, so that what is hashed is what will be read.

    A jsonb number has no exponent, no negative zero and no NaN; a jsonb text has neither U+0000 nor half a surrogate
    pair. Whatever is not JSON becomes text.
    """
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable(item) for item in value]
    if isinstance(value, float):
        return _storable_number(value)
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value).replace("\x00", "\\u0000")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _storable_number(value: float) -> Any:
    if not math.isfinite(value):
        return str(value)
    return int(value) if value.is_integer() else value


def append(*, action: str, object_kind: str, object_id: str, detail: dict[str, Any]) -> AuditEvent:
    """Write the next link under a transaction-long advisory lock: two writers at once would fork the chain."""
    tenant = current_tenant()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [str(tenant.organization_id)])
    last = AuditEvent.objects.order_by("-seq").first()
    event = AuditEvent(
        organization_id=tenant.organization_id,
        seq=last.seq + 1 if last else 1,
        actor=str(tenant.user_id or "system"),
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        detail=storable(detail),
        at=timezone.now(),
        previous=last.digest if last else GENESIS,
    )
    event.digest = link_digest(event)
    event.save(force_insert=True)
    return event


def walk(links: Iterable[LinkT], digest_of: Callable[[LinkT], str]) -> ChainReport:
    """Check a chain in order of ``seq``: no gap in the numbers, each link tied to the one before."""
    previous, checked = GENESIS, 0
    for link in links:
        if link.seq != checked + 1 or link.previous != previous or digest_of(link) != link.digest:
            return ChainReport(ok=False, checked=checked, first_bad=link.seq, head=previous)
        previous, checked = link.digest, checked + 1
    return ChainReport(ok=True, checked=checked, first_bad=None, head=previous)
