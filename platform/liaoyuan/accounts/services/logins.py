"""One-time login links: how the person at the machine comes in before anybody has a password."""

import secrets
from datetime import timedelta

from django.utils import timezone

from liaoyuan.accounts.errors import LoginLinkInvalid
from liaoyuan.accounts.keys import secret_digest
from liaoyuan.accounts.models import LoginLink, User

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


def _digest(token: str) -> str:
    return secret_digest(token, purpose="login-link")
