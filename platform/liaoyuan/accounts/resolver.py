"""The one place where a caller becomes a principal, whatever the channel: session, API key, event stream."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from liaoyuan.accounts.keys import digest_equal, key_split, secret_digest
from liaoyuan.accounts.models import ApiKey, Member, User
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import system_context
from liaoyuan.errors import LiaoyuanError

BEARER = "bearer "


class NotAuthenticated(LiaoyuanError):
    """One sentence for every cause, so that nothing is learnt from trying."""

    code = "not_authenticated"
    zh = "需要登录，或提供有效的 API 密钥（Authorization: Bearer …）。"
    en = "Sign in, or send a valid API key (Authorization: Bearer …)."
    status = 401


def principal_from_header(authorization: str) -> Principal:
    """The principal of an ``Authorization: Bearer`` header. Raises NotAuthenticated."""
    if not authorization.lower().startswith(BEARER):
        raise NotAuthenticated
    return principal_from_key(authorization[len(BEARER) :])


def principal_from_key(raw: str) -> Principal:
    """The principal behind an API key. Revocation, expiry, a disabled member and today's role count at once."""
    parts = key_split(raw)
    if parts is None:
        raise NotAuthenticated
    now = timezone.now()
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    with system_context("authenticate a key") as alias:
        keys = ApiKey.objects.using(alias).filter(live, prefix=parts.prefix, revoked_at__isnull=True)
        key = next((k for k in keys if digest_equal(k.digest, secret_digest(parts.secret))), None)
        member = _active_members(alias).filter(id=key.member_id).first() if key else None
        if key is None or member is None:
            raise NotAuthenticated
        ApiKey.objects.using(alias).filter(id=key.id).update(last_used_at=now)
    return replace(_principal(member, "key"), scopes=frozenset(key.scopes))


def principals_of_user(user: User) -> list[Principal]:
    """Every organization in which ``user`` is an active member, oldest membership first."""
    return principals_of_users({user.pk})


def principals_of_users(user_ids: Collection[UUID]) -> list[Principal]:
    """The same of several at once."""
    return list(memberships_of_users(user_ids))


def memberships_of_users(user_ids: Collection[UUID]) -> dict[Principal, str]:
    """The same with the name of each organization, which its members may know."""
    with system_context("organizations of a user") as alias:
        members = _active_members(alias).filter(user_id__in=user_ids)
        return {_principal(each, "session"): each.organization.name for each in members.order_by("created_at")}


def principal_from_session(user: User, organization_id: UUID | None = None) -> Principal:
    """The signed-in user in ``organization_id``, or in their first. Raises NotAuthenticated."""
    found = [p for p in principals_of_user(user) if organization_id is None or p.organization_id == organization_id]
    if not user.is_active or not found:
        raise NotAuthenticated
    return found[0]


def _active_members(alias: str) -> QuerySet[Member]:
    members = Member.objects.using(alias).select_related("organization")
    return members.filter(disabled_at__isnull=True, user__is_active=True)


def _principal(member: Member, channel: str) -> Principal:
    return Principal(
        user_id=member.user_id,
        organization_id=member.organization_id,
        role=member.role,
        groups=tuple(member.groups),
        channel=channel,
        suspended=member.organization.suspended_at is not None,
    )
