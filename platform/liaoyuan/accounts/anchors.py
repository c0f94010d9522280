"""Anchors: the heads of an organization's audit chain, noted outside of the database.

Whoever can write to the database can cut or forge a chain to its end; the chain alone does not tell. An anchor does.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from liaoyuan.accounts.audit import ChainReport
from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.selectors import audit_verify


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
