"""Audit entries ready for a page: names instead of ids, links instead of kinds."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.selectors import actor_names
from liaoyuan.accounts.words import event_name

# Where the subject of an entry has a page of its own.
ROUTES: Final = {
    "solution": "solution",
    "stage_run": "run",
    "collection": "collection",
    "document": "document",
    "trace": "trace",
    "member": "member",
}


@dataclass(frozen=True)
class EntryView:
    """One entry. ``actor`` is a name where there is one; ``detail`` are pairs of what was recorded beside it."""

    seq: int
    at: datetime
    actor: str
    actor_id: str
    action: str
    code: str
    kind: str
    subject: str
    address: str
    detail: tuple[tuple[str, str], ...]
    digest: str
    previous: str


def kind_name(kind: str) -> str:
    """An object's kind in the reader's language."""
    names = {
        "solution": _("Solution"),
        "stage_run": _("Run"),
        "collection": _("Collection"),
        "document": _("Document"),
        "trace": _("Trace"),
        "member": _("Member"),
        "invitation": _("Invitation"),
        "api_key": _("API key"),
        "deployment": _("Deployment"),
        "organization": _("Organization"),
        "account": _("Account"),
        "audit": _("Audit log"),
    }
    return names.get(kind, kind)


def actor_name(actor: str, names: dict[str, str]) -> str:
    """Who did it: a member's name, the platform itself, or the id of somebody who is gone."""
    return _("The platform") if actor == "system" else names.get(actor, actor)


def entry_views(entries: Iterable[AuditEvent], words: str) -> list[EntryView]:
    """The entries with the names of who did them."""
    found = list(entries)
    names = actor_names(entry.actor for entry in found)
    return [_view(entry, names, words) for entry in found]


def _view(entry: AuditEvent, names: dict[str, str], words: str) -> EntryView:
    return EntryView(
        seq=entry.seq,
        at=entry.at,
        actor=actor_name(entry.actor, names),
        actor_id=entry.actor,
        action=event_name(entry.action, words),
        code=entry.action,
        kind=kind_name(entry.object_kind),
        subject=entry.object_id,
        address=_address(entry),
        detail=tuple((key, _text(value)) for key, value in entry.detail.items()),
        digest=entry.digest,
        previous=entry.previous,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _address(entry: AuditEvent) -> str:
    route = ROUTES.get(entry.object_kind)
    try:
        return reverse(route, args=[entry.object_id]) if route else ""
    except NoReverseMatch:
        return ""
