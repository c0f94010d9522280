"""Ways in without a password of ours: one-time links made on the machine itself, and single sign-on."""

import secrets
from datetime import timedelta

from django.utils import timezone

from liaoyuan.accounts.errors import LoginLinkInvalid, SingleSignOnRefused
from liaoyuan.accounts.keys import secret_digest
from liaoyuan.accounts.models import Invitation, LoginLink, Member, Role, User
from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.resolver import principals_of_user
from liaoyuan.accounts.services.members import member_add
from liaoyuan.accounts.tenancy import system_context, tenant_context

MINUTES = 10


def login_link_create(*, user: User, minutes: int = MINUTES) -> str:
    """The path ``/enter/<token>`` that signs ``user`` in once within ``minutes``.

    For commands on the machine itself: nothing that listens on the network calls this. Earlier unused links of the
    user end, and used or expired ones are removed.
    """
    LoginLink.objects.filter(user=user).delete()
    LoginLink.objects.filter(expires_at__lte=timezone.now()).delete()
    token = secrets.token_urlsafe(32)
    LoginLink.objects.create(user=user, digest=_digest(token), expires_at=timezone.now() + timedelta(minutes=minutes))
    return f"/enter/{token}"


def login_link_use(*, token: str) -> User:
    """The user whom ``token`` lets in; from now on it lets nobody in.

    Raises LoginLinkInvalid for an unknown, used or expired token and an inactive user: one answer for all.
    """
    now = timezone.now()
    live = LoginLink.objects.filter(
        digest=_digest(token), used_at__isnull=True, expires_at__gt=now, user__is_active=True
    )
    found = live.select_related("user").first()
    # The guarded update decides between two who come at once.
    if found is None or not LoginLink.objects.filter(id=found.id, used_at__isnull=True).update(used_at=now):
        raise LoginLinkInvalid
    return found.user


def single_sign_on(*, user: User | None, email: str, name: str = "") -> User:
    """Whom the provider's answer lets in: ``user`` if it is bound to one already, else who has the verified ``email``.

    Somebody without any place joins where a live invitation waits for the address: the provider has verified it, as
    the invitation's link would have. Raises SingleSignOnRefused for everybody else, and for break-glass accounts: no
    provider decides about those.
    """
    found = user or (User.objects.filter(email=email).first() if email else None)
    if found is not None and (found.is_staff or found.is_superuser or not found.is_active):
        raise SingleSignOnRefused
    if found is not None and principals_of_user(found):
        return found
    joined = _join_invited(email, found, name) if email else None
    if joined is None:
        raise SingleSignOnRefused
    return joined


def _join_invited(email: str, user: User | None, name: str) -> User | None:
    now = timezone.now()
    with system_context("invitations of a verified address") as alias:
        waiting = Invitation.objects.using(alias).filter(
            email=email, accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now
        )
        found = list(waiting.order_by("created_at"))
    for each in found:
        with tenant_context(each.organization_id):
            if user is not None and Member.objects.filter(user=user).exists():
                continue  # disabled here: an old invitation does not bring them back
            live = Invitation.objects.filter(id=each.id, accepted_at__isnull=True, revoked_at__isnull=True)
            if live.update(accepted_at=now):
                user = user or User.objects.create_user(email, None, name=name_clean(name))
                member_add(user=user, role=Role(each.role), groups=tuple(each.groups))
                return user
    return None


def _digest(token: str) -> str:
    return secret_digest(token, purpose="login-link")
