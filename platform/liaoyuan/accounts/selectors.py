"""Questions about accounts; nothing here writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from liaoyuan.accounts.audit import ChainReport, link_digest, walk
from liaoyuan.accounts.errors import OrganizationUnknown
from liaoyuan.accounts.models import AuditEvent, Member, Organization
from liaoyuan.accounts.tenancy import system_context

PAGE = 50
PAGE_MOST = 200
UUID_SHAPE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class AuditFilter:
    """Which entries of the audit chain; empty means any.

    ``actor`` is a user's id or "system". ``action`` is a whole action, or its first word for all that begin with it.
    ``subject`` is an object's kind ("member") or the start of its id. ``since`` is included, ``until`` is not.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return any((self.actor, self.action, self.subject, self.since, self.until))


@dataclass(frozen=True)
class AuditPage:
    """Entries, newest first; ``after`` is the cursor of the next, older page, None at the end."""

    entries: tuple[AuditEvent, ...]
    after: int | None


def organization_ids(reason: str) -> list[UUID]:
    """Every organization, for machinery that then works in each one's own context; ``reason`` is logged."""
    with system_context(reason) as alias:
        return list(Organization.objects.using(alias).values_list("id", flat=True))


def organization_by_name(name: str) -> Organization:
    """The organization called ``name``, for operators' commands. Raises OrganizationUnknown."""
    with system_context("organization by name") as alias:
        found = Organization.objects.using(alias).filter(name=name.strip()).first()
    if found is None:
        raise OrganizationUnknown(name=name)
    return found


def audit_verify() -> ChainReport:
    """Walk the current organization's audit chain from its first link.

    Truncation at the end shows against the anchored head (see ``audit anchor``), every other change shows here.
    """
    return walk(AuditEvent.objects.order_by("seq").iterator(chunk_size=2000), link_digest)


def audit_entries(wanted: AuditFilter, *, before: int | None = None, limit: int = PAGE) -> AuditPage:
    """One page of the current organization's audit entries: those older than the cursor ``before``, newest first.

    The cursor is an entry's ``seq``, so that new entries never shift a page. ``limit`` is held between 1 and 200.
    """
    limit = min(max(limit, 1), PAGE_MOST)
    found = audit_filtered(wanted).order_by("-seq")
    if before is not None:
        found = found.filter(seq__lt=before)
    entries = tuple(found[: limit + 1])
    return AuditPage(entries[:limit], entries[limit - 1].seq if len(entries) > limit else None)


def audit_filtered(wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """All entries that ``wanted`` names, unordered."""
    found = AuditEvent.objects.all()
    if wanted.actor:
        found = found.filter(actor=wanted.actor)
    if wanted.action:
        found = found.filter(Q(action=wanted.action) | Q(action__startswith=f"{wanted.action}."))
    if wanted.subject:
        found = found.filter(Q(object_kind=wanted.subject) | Q(object_id__startswith=wanted.subject))
    if wanted.since:
        found = found.filter(at__gte=wanted.since)
    if wanted.until:
        found = found.filter(at__lt=wanted.until)
    return found


def audit_actions() -> list[str]:
    """Every action that the current organization's chain has, in order of name."""
    return list(AuditEvent.objects.order_by("action").values_list("action", flat=True).distinct())


def actor_names(actors: Iterable[str]) -> dict[str, str]:
    """Name or address of each actor who is or was a member here; others are left out."""
    wanted = {UUID(actor) for actor in actors if UUID_SHAPE.fullmatch(actor)}
    members = Member.objects.filter(user_id__in=wanted).select_related("user")
    return {str(member.user_id): member.user.name or member.user.email for member in members}
