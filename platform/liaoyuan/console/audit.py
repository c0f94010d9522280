"""What operators do, and every look into an organization, is linked into the platform's chain and into theirs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.audit import GENESIS, ChainReport, body_digest, storable, walk
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.console.models import OperatorEvent

LOCK = "liaoyuan.operators"
# A page that refreshes itself is one look, not hundreds.
LOOK_LASTS = timedelta(minutes=5)


def operator_record(
    *,
    actor: UUID,
    action: str,
    about: UUID | None = None,
    object_kind: str = "",
    object_id: UUID | str = "",
    detail: dict[str, Any] | None = None,
) -> OperatorEvent:
    """Append one link to the platform's chain, in the system role's transaction (the surrounding one, if there is)."""
    with system_context("operator audit") as alias:
        with connections[alias].cursor() as cursor:
            # Two writers at once would fork the chain.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        last = OperatorEvent.objects.using(alias).order_by("-seq").first()
        event = OperatorEvent(
            seq=last.seq + 1 if last else 1,
            actor=actor,
            action=action,
            about=about,
            object_kind=object_kind,
            object_id=str(object_id),
            detail=storable(detail or {}),
            at=timezone.now(),
            previous=last.digest if last else GENESIS,
        )
        event.digest = digest_of(event)
        event.save(using=alias, force_insert=True)
        return event


def look_record(*, actor: UUID, action: str, about: UUID, object_kind: str, object_id: UUID | str) -> None:
    """Note that an operator looks at something of ``about``: in both chains, once in five minutes for one page."""
    with system_context("was this look noted") as alias:
        same = OperatorEvent.objects.using(alias).filter(action=action, object_id=str(object_id), actor=actor)
        if same.filter(about=about, at__gt=timezone.now() - LOOK_LASTS).exists():
            return
    with tenant_context(about, actor):
        audit_record(action=action, object_kind=object_kind, object_id=object_id, detail={"operator": True})
    operator_record(actor=actor, action=action, about=about, object_kind=object_kind, object_id=object_id)


def digest_of(event: OperatorEvent) -> str:
    """SHA-256 over the previous digest and the canonical JSON of this link."""
    body = {
        "seq": event.seq,
        "actor": str(event.actor),
        "action": event.action,
        "about": str(event.about or ""),
        "object_kind": event.object_kind,
        "object_id": event.object_id,
        "detail": event.detail,
        "at": event.at.isoformat(),
    }
    return body_digest(event.previous, body)


def operators_verify() -> ChainReport:
    """Walk the platform's own chain from its first link."""
    with system_context("verify the operators' chain") as alias:
        return walk(OperatorEvent.objects.using(alias).order_by("seq").iterator(chunk_size=2000), digest_of)
