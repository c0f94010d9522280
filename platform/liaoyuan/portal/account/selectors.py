"""What a person's own page shows."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.usersessions.models import UserSession
from django.utils.translation import gettext as _

from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.selectors import AuditFilter, audit_entries
from liaoyuan.accounts.words import ROLES, Words
from liaoyuan.portal.people.audit_view import EntryView, entry_views

RECENT: Final = 10
# In the order in which they give themselves away: Edge and Opera call themselves Chrome too.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class SessionView:
    """One signed-in window; ``device`` is what its browser calls itself, in short."""

    id: int
    device: str
    address: str
    began: datetime
    seen: datetime
    here: bool


@dataclass(frozen=True)
class AccountPage:
    email: str
    organization: str
    role: Words
    groups: tuple[str, ...]
    two_steps: bool
    codes_left: int
    has_password: bool
    sessions: list[SessionView]
    entries: list[EntryView]
    may_see_audit: bool


def account_page(who: Principal, user: User, session_key: str, words: str) -> AccountPage:
    """Inside the tenant context of ``who``, who is ``user``."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    recent = audit_entries(AuditFilter(actor=str(user.id)), limit=RECENT).entries
    return AccountPage(
        email=user.email,
        organization=Organization.objects.values_list("name", flat=True).get(id=who.organization_id),
        role=ROLES[who.role],
        groups=who.groups,
        two_steps=Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists(),
        codes_left=len(RecoveryCodes(codes).get_unused_codes()) if codes else 0,
        has_password=user.has_usable_password(),
        sessions=session_views(user, session_key),
        entries=entry_views(recent, words),
        may_see_audit=allowed(who, "audit.view"),
    )


def session_views(user: User, session_key: str) -> list[SessionView]:
    """The person's open sessions, this one first, then the latest seen."""
    found = UserSession.objects.purge_and_list(user)
    views = [
        SessionView(
            id=each.pk,
            device=device_name(each.user_agent),
            address=each.ip,
            began=each.created_at,
            seen=each.last_seen_at,
            here=each.session_key == session_key,
        )
        for each in found
    ]
    return sorted(views, key=lambda each: (not each.here, -each.seen.timestamp()))


def device_name(agent: str) -> str:
    """Browser and system out of a User-Agent header; what is neither is shown by its first word."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    short = re.split(r"[\s(]", agent.strip(), maxsplit=1)[0][:40]
    return " · ".join(part for part in (browser, system) if part) or short or _("Unknown")
