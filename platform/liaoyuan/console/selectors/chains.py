"""The audit chains of all organizations and the platform's own: how long, when last verified, what operators did."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.paginator import Page, Paginator

from liaoyuan.accounts.models import AuditEvent, Organization, User
from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.console.models import OperatorEvent

VERIFIED: Final = "console.audit_verify"
PER_PAGE: Final = 20
EVENTS_PER_PAGE: Final = 40
PLATFORM: Final = "platform"


@dataclass(frozen=True)
class Chain:
    """One organization's chain; ``last`` is the newest verification here, ``anchored`` the last number in the file."""

    organization: Organization
    length: int
    anchored: int | None
    last: OperatorEvent | None


@dataclass(frozen=True)
class Done:
    """One thing that an operator did, with names instead of numbers."""

    event: OperatorEvent
    actor: str
    about: str


def chains(number: int | str = 1) -> tuple[Page[Organization], list[Chain]]:
    """A page of organizations by name, each with the state of its chain."""
    with system_context("audit chains") as alias:
        page = Paginator(Organization.objects.using(alias).order_by("name"), PER_PAGE).get_page(number)
        organizations = list(page.object_list)
        last = last_verifications([str(each.id) for each in organizations], alias)
    return page, [Chain(each, _length(each.id), _anchored(each.id), last.get(str(each.id))) for each in organizations]


def last_verifications(ids: list[str], alias: str) -> dict[str, OperatorEvent]:
    """The newest verification of each chain of ``ids``."""
    events = OperatorEvent.objects.using(alias).filter(action=VERIFIED, object_id__in=ids)
    return {event.object_id: event for event in events.order_by("object_id", "-seq").distinct("object_id")}


def operators_done(number: int | str = 1, *, about: UUID | None = None) -> tuple[Page[OperatorEvent], list[Done]]:
    """What operators did, newest first; to one organization only, if given."""
    with system_context("what operators did") as alias:
        events = OperatorEvent.objects.using(alias).order_by("-seq")
        if about is not None:
            events = events.filter(about=about)
        page = Paginator(events, EVENTS_PER_PAGE).get_page(number)
        found = list(page.object_list)
        names = dict(
            Organization.objects.using(alias).filter(id__in={e.about for e in found}).values_list("id", "name")
        )
        people = dict(User.objects.using(alias).filter(id__in={e.actor for e in found}).values_list("id", "email"))
    done = [
        Done(e, people.get(e.actor, str(e.actor)), names.get(e.about, str(e.about)) if e.about else "") for e in found
    ]
    return page, done


def chain_verify(organization_id: UUID) -> dict[str, Any]:
    """Walk one organization's chain and compare it with its anchors: {ok, checked, first_bad}."""
    with tenant_context(organization_id):
        report = audit_verify()
        first_bad = report.first_bad
        if report.ok:
            missing = [a for a in _anchors(organization_id) if not _stands(a)]
            first_bad = int(missing[0]["seq"]) if missing else None
    return {"ok": first_bad is None, "checked": report.checked, "first_bad": first_bad}


def _stands(anchor: dict[str, Any]) -> bool:
    return AuditEvent.objects.filter(seq=anchor["seq"], digest=anchor["head"]).exists()


def _length(organization_id: UUID) -> int:
    with tenant_context(organization_id):
        return AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _anchored(organization_id: UUID) -> int | None:
    anchors = _anchors(organization_id)
    return int(anchors[-1]["seq"]) if anchors else None


def _anchors(organization_id: UUID) -> list[dict[str, Any]]:
    """What `manage.py audit anchor` wrote outside of the database."""
    path = Path(settings.VAR) / "audit" / f"{organization_id}.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
