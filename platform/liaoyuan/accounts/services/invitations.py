"""Invitations: made, given a new link, taken back, accepted. Only the digest of a token is kept."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from liaoyuan.accounts.errors import InvitationInvalid
from liaoyuan.accounts.keys import secret_digest
from liaoyuan.accounts.models import Invitation, Member, Role, User
from liaoyuan.accounts.names import groups_clean, name_clean
from liaoyuan.accounts.services.chain import audit_record
from liaoyuan.accounts.services.members import member_add
from liaoyuan.accounts.tenancy import current_tenant, system_context, tenant_context
from liaoyuan.errors import NotFound

DAYS = 7


def invitation_create(
    *, email: str, role: Role, groups: tuple[str, ...] = (), days: int = DAYS
) -> tuple[Invitation, str]:
    """An invitation and its one-time token (shown once; only its digest is kept)."""
    tenant = current_tenant()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization_id=tenant.organization_id,
        email=email.strip().lower(),
        role=role,
        groups=list(groups_clean(groups)),
        digest=secret_digest(token, purpose="invitation"),
        invited_by_id=tenant.user_id,
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit_record(
        action="invitation.create", object_kind="invitation", object_id=invitation.id, detail={"role": str(role)}
    )
    return invitation, token


def invitation_renew(*, invitation_id: UUID, days: int = DAYS) -> tuple[Invitation, str]:
    """The same invitation with a new token and a new end; the old token is worth nothing from now on.

    Also for one that has expired. Raises NotFound for an accepted, revoked, missing or foreign one.
    """
    invitation = _open(invitation_id)
    token = secrets.token_urlsafe(32)
    invitation.digest = secret_digest(token, purpose="invitation")
    invitation.expires_at = timezone.now() + timedelta(days=days)
    invitation.save(update_fields=["digest", "expires_at"])
    audit_record(action="invitation.renew", object_kind="invitation", object_id=invitation.id)
    return invitation, token


def invitation_revoke(*, invitation_id: UUID) -> None:
    """Take an invitation back: its link opens nothing any more.

    Raises NotFound for an accepted, revoked, missing or foreign one.
    """
    invitation = _open(invitation_id)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    audit_record(action="invitation.revoke", object_kind="invitation", object_id=invitation.id)


def _open(invitation_id: UUID) -> Invitation:
    """Locked, so that an acceptance at the same moment is seen: either the one or the other happened."""
    waiting = Invitation.objects.filter(id=invitation_id, accepted_at__isnull=True, revoked_at__isnull=True)
    found = waiting.select_for_update().first()
    if found is None:
        raise NotFound
    return found


def invitation_accept(*, token: str, password: str, name: str = "") -> Member:
    """Turn a live token into a member. A known user keeps their password and must sign in with it.

    Raises InvitationInvalid for an unknown, used, revoked or expired token and for a disabled member: one answer for
    all. A password that Django's validators refuse (ValidationError) leaves the invitation as it was.
    """
    digest = secret_digest(token, purpose="invitation")
    with system_context("find an invitation") as alias:
        found = Invitation.objects.using(alias).filter(digest=digest).first()
    if found is None:
        raise InvitationInvalid
    with tenant_context(found.organization_id):
        live = Invitation.objects.filter(
            id=found.id, digest=digest, accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
        )
        if not live.update(accepted_at=timezone.now()):
            raise InvitationInvalid
        known = User.objects.filter(email=found.email).first()
        name = name_clean(name)
        if known is None:
            validate_password(password, User(email=found.email, name=name))
        elif Member.objects.filter(user=known, disabled_at__isnull=False).exists():
            raise InvitationInvalid
        user = known or User.objects.create_user(found.email, password, name=name)
        return member_add(user=user, role=Role(found.role), groups=tuple(found.groups))
