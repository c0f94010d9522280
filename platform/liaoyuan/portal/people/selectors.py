"""What the members' pages show, ready for their templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Max, Q
from django.utils import timezone

from liaoyuan.accounts.models import ApiKey, AuditEvent, Invitation, Member, Role
from liaoyuan.accounts.policy import POLICY, Principal, allowed
from liaoyuan.accounts.selectors import AuditFilter, audit_entries
from liaoyuan.accounts.words import ACTION_GROUPS, ROLES, role_name
from liaoyuan.errors import NotFound
from liaoyuan.portal.people.audit_view import EntryView, entry_views

RECENT: Final = 8
MOST: Final = 2000


@dataclass(frozen=True)
class MemberView:
    """One line of the list; ``seen`` is the latest sign of life by page or key, None where there is none."""

    id: UUID
    user_id: UUID
    name: str
    email: str
    role: str
    role_name: str
    groups: tuple[str, ...]
    joined: datetime
    seen: datetime | None
    disabled: bool
    disabled_at: datetime | None
    two_steps: bool
    me: bool


@dataclass(frozen=True)
class InvitationView:
    id: UUID
    email: str
    role_name: str
    groups: tuple[str, ...]
    invited_by: str
    expires_at: datetime
    expired: bool


@dataclass(frozen=True)
class MembersPage:
    """The list with what stands above it."""

    members: list[MemberView]
    invitations: list[InvitationView]
    active: int
    disabled: int
    without_two_steps: int
    may_manage: bool


@dataclass(frozen=True)
class MemberPage:
    member: MemberView
    roles: list["RoleView"]
    groups_known: list[str]
    keys_live: int
    entries: list[EntryView]


@dataclass(frozen=True)
class RoleView:
    """One role: its name, what it is for, how many hold it."""

    role: str
    name: str
    help: str
    count: int


@dataclass(frozen=True)
class ActionView:
    """One line of the roles' table; ``cells`` in the order of the roles."""

    action: str
    name: str
    help: str
    cells: list[bool]


@dataclass(frozen=True)
class RolesPage:
    roles: list[RoleView]
    groups: list[tuple[str, list[ActionView]]]


def members_page(who: Principal, words: str, *, search: str = "", role: str = "", state: str = "") -> MembersPage:
    """Members by name, narrowed by what was typed; invitations that still wait."""
    everyone = member_views(who, words)
    return MembersPage(
        members=[each for each in everyone if _wanted(each, search.strip().lower(), role, state)],
        invitations=_invitations(words) if allowed(who, "member.manage") else [],
        active=sum(not each.disabled for each in everyone),
        disabled=sum(each.disabled for each in everyone),
        without_two_steps=sum(not each.two_steps and not each.disabled for each in everyone),
        may_manage=allowed(who, "member.manage"),
    )


def member_views(who: Principal, words: str) -> list[MemberView]:
    """Everybody, active ones first, then by name."""
    members = list(Member.objects.select_related("user").order_by("created_at")[:MOST])
    users = [member.user_id for member in members]
    totp = Q(user_id__in=users, type=Authenticator.Type.TOTP)
    protected = set(Authenticator.objects.filter(totp).values_list("user_id", flat=True))
    seen = _seen(users)
    views = [_view(member, who, words, member.user_id in protected, seen.get(member.user_id)) for member in members]
    return sorted(views, key=lambda each: (each.disabled, (each.name or each.email).lower()))


def member_page(who: Principal, member_id: UUID, words: str) -> MemberPage:
    """One member with what they lately did. Raises NotFound."""
    found = next((each for each in member_views(who, words) if each.id == member_id), None)
    if found is None:
        raise NotFound
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    recent = audit_entries(AuditFilter(actor=str(found.user_id)), limit=RECENT).entries
    return MemberPage(
        member=found,
        roles=role_views(words),
        groups_known=groups_known(),
        keys_live=ApiKey.objects.filter(live, member_id=member_id, revoked_at__isnull=True).count(),
        entries=entry_views(recent, words) if allowed(who, "audit.view") else [],
    )


def groups_known() -> list[str]:
    """Every group that some member has, by name."""
    return sorted({group for groups in Member.objects.values_list("groups", flat=True) for group in groups})


def role_views(words: str) -> list[RoleView]:
    """The roles in the order of the policy table."""
    held = list(Member.objects.filter(disabled_at__isnull=True).values_list("role", flat=True))
    return [RoleView(role.value, ROLES[role].name(words), ROLES[role].help(words), held.count(role)) for role in Role]


def roles_page(words: str) -> RolesPage:
    """The policy table as people read it."""
    groups = []
    for (zh, en), actions in ACTION_GROUPS.items():
        rows = [
            ActionView(action, each.name(words), each.help(words), [action in POLICY[role] for role in Role])
            for action, each in actions.items()
        ]
        groups.append((zh if words == "zh" else en, rows))
    return RolesPage(roles=role_views(words), groups=groups)


def _view(member: Member, who: Principal, words: str, two_steps: bool, seen: datetime | None) -> MemberView:
    return MemberView(
        id=member.id,
        user_id=member.user_id,
        name=member.user.name,
        email=member.user.email,
        role=member.role,
        role_name=role_name(member.role, words),
        groups=tuple(member.groups),
        joined=member.created_at,
        seen=seen,
        disabled=member.disabled_at is not None or not member.user.is_active,
        disabled_at=member.disabled_at,
        two_steps=two_steps,
        me=member.user_id == who.user_id,
    )


def _seen(users: list[UUID]) -> dict[UUID, datetime]:
    """Last sign of life of each user: a page in any window, or a call with one of their keys."""
    pages = UserSession.objects.filter(user_id__in=users).values_list("user_id").annotate(at=Max("last_seen_at"))
    calls = (
        ApiKey.objects.filter(last_used_at__isnull=False)
        .values_list("member__user_id")
        .annotate(at=Max("last_used_at"))
    )
    logins = Member.objects.filter(user__last_login__isnull=False).values_list("user_id", "user__last_login")
    found: dict[UUID, datetime] = {}
    for user_id, at in [*pages, *calls, *logins]:
        found[user_id] = max(found.get(user_id, at), at)
    return found


def _invitations(words: str) -> list[InvitationView]:
    now = timezone.now()
    waiting = Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True)
    return [
        InvitationView(
            id=each.id,
            email=each.email,
            role_name=role_name(each.role, words),
            groups=tuple(each.groups),
            invited_by=(each.invited_by.name or each.invited_by.email) if each.invited_by else "",
            expires_at=each.expires_at,
            expired=each.expires_at <= now,
        )
        for each in waiting.select_related("invited_by").order_by("-created_at")[:MOST]
    ]


def _wanted(view: MemberView, search: str, role: str, state: str) -> bool:
    text = " ".join((view.name, view.email, *view.groups)).lower()
    in_state = {"active": not view.disabled, "disabled": view.disabled, "one-step": not view.two_steps}
    return search in text and role in {"", view.role} and in_state.get(state, True)


def member_count() -> int:
    """Active members."""
    return Member.objects.filter(disabled_at__isnull=True).count()


def entry_count() -> int:
    """Links of the audit chain."""
    return AuditEvent.objects.count()
