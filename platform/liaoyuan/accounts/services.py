"""What changes accounts: organizations, members, keys, invitations and the audit chain's next link."""

import secrets
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from liaoyuan.accounts.audit import append
from liaoyuan.accounts.errors import InvitationInvalid, LastOwner, OrganizationNameInvalid, ScopeBeyondRole
from liaoyuan.accounts.keys import key_make, secret_digest
from liaoyuan.accounts.models import ApiKey, AuditEvent, Invitation, Member, Organization, Role, User
from liaoyuan.accounts.policy import POLICY
from liaoyuan.accounts.tenancy import current_tenant, system_context, tenant_context
from liaoyuan.errors import NotFound

NAME_LONGEST = 120


def organization_create(*, name: str) -> tuple[Organization, bool]:
    """The organization called ``name`` and whether it is new. Done by operators: the name is unique on the machine.

    Raises OrganizationNameInvalid for a name that is empty, longer than the column or has control characters.
    """
    name = name.strip()
    if not name or len(name) > NAME_LONGEST or any(unicodedata.category(sign).startswith("C") for sign in name):
        raise OrganizationNameInvalid(longest=NAME_LONGEST)
    with system_context("organization create") as alias:
        return Organization.objects.using(alias).get_or_create(name=name)


def user_create(*, email: str, password: str | None = None, name: str = "") -> tuple[User, bool]:
    """The user with ``email`` and whether it is new. Without a password the account cannot sign in until one is set."""
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, False
    return User.objects.create_user(email, password, name=name), True


def member_add(*, user: User, role: Role, groups: tuple[str, ...] = ()) -> Member:
    """Give ``user`` a place in the current organization; an existing place takes the new role and groups.

    A disabled place stays disabled. Raises LastOwner where the organization would be left without an owner.
    """
    tenant = current_tenant()
    held = Member.objects.filter(organization_id=tenant.organization_id, user=user).first()
    if held is not None and role != Role.OWNER:
        _refuse_last_owner(held)
    member, _ = Member.objects.update_or_create(
        organization_id=tenant.organization_id, user=user, defaults={"role": role, "groups": list(groups)}
    )
    audit_record(action="member.add", object_kind="member", object_id=member.id, detail={"role": str(role)})
    return member


def audit_record(
    *, action: str, object_kind: str, object_id: UUID | str, detail: dict[str, Any] | None = None
) -> AuditEvent:
    """Append one link to the current organization's chain; it lands or falls with the surrounding transaction."""
    return append(action=action, object_kind=object_kind, object_id=str(object_id), detail=detail or {})


def member_disable(*, member_id: UUID) -> None:
    """Take away a member's access at once; what they made stays. The last owner cannot be disabled."""
    member = Member.objects.filter(
        organization_id=current_tenant().organization_id, disabled_at__isnull=True, id=member_id
    ).first()
    if member is None:
        raise NotFound
    _refuse_last_owner(member)
    member.disabled_at = timezone.now()
    member.save(update_fields=["disabled_at"])
    audit_record(action="member.disable", object_kind="member", object_id=member.id)


def _refuse_last_owner(member: Member) -> None:
    """Raise LastOwner if ``member`` is the only active owner; two owners who leave at once wait for each other."""
    active = Member.objects.filter(organization_id=member.organization_id, disabled_at__isnull=True, role=Role.OWNER)
    owners = list(active.select_for_update().order_by("id").values_list("id", flat=True))
    if owners == [member.id]:
        raise LastOwner


def api_key_create(*, member: Member, name: str, scopes: frozenset[str], days: int | None = 365) -> tuple[ApiKey, str]:
    """A key for ``member`` and its secret, which is shown this once. Scopes beyond the member's role are refused."""
    beyond = sorted(scopes - POLICY[member.role])
    if beyond or not scopes:
        raise ScopeBeyondRole(scopes=", ".join(beyond) or "-", role=member.role)
    raw, prefix, digest = key_make()
    expires = timezone.now() + timedelta(days=days) if days is not None else None
    key = ApiKey.objects.create(
        organization_id=member.organization_id,
        member=member,
        name=name,
        prefix=prefix,
        digest=digest,
        scopes=sorted(scopes),
        expires_at=expires,
    )
    audit_record(action="key.create", object_kind="api_key", object_id=key.id, detail={"scopes": sorted(scopes)})
    return key, raw


def api_key_revoke(*, key_id: UUID) -> None:
    """End a key now. Raises NotFound for a missing or foreign one."""
    if not ApiKey.objects.filter(id=key_id, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        raise NotFound
    audit_record(action="key.revoke", object_kind="api_key", object_id=key_id)


def invitation_create(*, email: str, role: Role, groups: tuple[str, ...] = (), days: int = 7) -> tuple[Invitation, str]:
    """An invitation and its one-time token (shown once; only its digest is kept)."""
    tenant = current_tenant()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization_id=tenant.organization_id,
        email=email.lower(),
        role=role,
        groups=list(groups),
        digest=secret_digest(token, purpose="invitation"),
        invited_by_id=tenant.user_id,
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit_record(
        action="invitation.create", object_kind="invitation", object_id=invitation.id, detail={"role": str(role)}
    )
    return invitation, token


def invitation_accept(*, token: str, password: str, name: str = "") -> Member:
    """Turn a live token into a member. A known user keeps their password and must sign in with it.

    Raises InvitationInvalid for an unknown, used or expired token and for a disabled member: one answer for all.
    A password that Django's validators refuse (ValidationError) leaves the invitation as it was.
    """
    digest = secret_digest(token, purpose="invitation")
    with system_context("find an invitation") as alias:
        found = Invitation.objects.using(alias).filter(digest=digest).first()
    if found is None:
        raise InvitationInvalid
    with tenant_context(found.organization_id):
        live = Invitation.objects.filter(id=found.id, accepted_at__isnull=True, expires_at__gt=timezone.now())
        if not live.update(accepted_at=timezone.now()):
            raise InvitationInvalid
        known = User.objects.filter(email=found.email).first()
        if known is None:
            validate_password(password, User(email=found.email, name=name))
        elif Member.objects.filter(user=known, disabled_at__isnull=False).exists():
            raise InvitationInvalid
        user = known or User.objects.create_user(found.email, password, name=name)
        return member_add(user=user, role=Role(found.role), groups=tuple(found.groups))
