"""Anchors: the heads of an organization's audit chain, noted outside of the database.

Whoever can write to the database can cut or forge a chain to its end; the chain alone does not tell. An anchor does.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from liaoyuan.accounts.audit import ChainReport
from liaoyuan.accounts.models import AuditEvent, Organization
from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.tenancy import system_context, tenant_context

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """Was history whole? ``first_bad`` is where it first was not, ``anchors`` how many were compared."""

    ok: bool
    checked: int
    first_bad: int | None
    head: str
    anchors: int
    anchored_at: datetime | None
    at: datetime


@dataclass(frozen=True)
class Anchor:
    seq: int
    head: str
    at: datetime


def chain_verify(organization_id: UUID) -> Verdict:
    """Walk the current organization's whole chain and compare it with every anchor."""
    report = audit_verify()
    anchors = anchors_read(organization_id)
    missing = _first_missing(anchors) if report.ok else None
    return Verdict(
        ok=report.ok and missing is None,
        checked=report.checked,
        first_bad=report.first_bad if missing is None else missing,
        head=report.head,
        anchors=len(anchors),
        anchored_at=anchors[-1].at if anchors else None,
        at=timezone.now(),
    )


def anchor_write(organization_id: UUID, report: ChainReport | Verdict) -> None:
    """Note the head of a chain that was found whole; an empty chain has none."""
    if not report.ok or not report.checked:
        return
    path = _path(organization_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"seq": report.checked, "head": report.head, "at": timezone.now().isoformat()}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def anchors_write_all() -> int:
    """An anchor for every organization whose chain is whole and longer than its last anchor; how many were written.

    A chain that is not whole gets none, and the log says so: an anchor would make what was forged look confirmed.
    """
    with system_context("audit anchors") as alias:
        organizations = list(Organization.objects.using(alias).values_list("id", flat=True))
    return sum(_anchor(organization_id) for organization_id in organizations)


def _anchor(organization_id: UUID) -> bool:
    with tenant_context(organization_id):
        verdict = chain_verify(organization_id)
    if not verdict.ok:
        logger.error("the audit chain of %s is broken at entry %s", organization_id, verdict.first_bad)
        return False
    last = anchors_read(organization_id)[-1:]
    if not verdict.checked or (last and last[0].seq == verdict.checked):
        return False
    anchor_write(organization_id, verdict)
    return True


def anchors_read(organization_id: UUID) -> list[Anchor]:
    """All anchors, oldest first."""
    path = _path(organization_id)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    read = [json.loads(line) for line in lines]
    return [Anchor(int(each["seq"]), str(each["head"]), datetime.fromisoformat(each["at"])) for each in read]


def _first_missing(anchors: list[Anchor]) -> int | None:
    """The first anchored link that the chain no longer has: it was cut at its end, or forged."""
    kept = dict(AuditEvent.objects.filter(seq__in=[each.seq for each in anchors]).values_list("seq", "digest"))
    return next((each.seq for each in anchors if kept.get(each.seq) != each.head), None)


def _path(organization_id: UUID) -> Path:
    return Path(settings.VAR) / "audit" / f"{organization_id}.jsonl"
