"""A form that makes something with a secret is good for one answer: a second click makes no second one."""

import secrets

from django.core.cache import cache
from django.http import HttpRequest

from liaoyuan.accounts.policy import Principal

SECONDS = 24 * 3600


def once_new() -> str:
    """What the form carries in its hidden field ``once``."""
    return secrets.token_urlsafe(16)


def once_spent(request: HttpRequest, who: Principal, what: str) -> bool:
    """Whether this very form was sent before. Sending it counts from now on."""
    given = request.POST.get("once", "")[:64]
    key = f"once:{who.organization_id}:{who.user_id}:{what}:{given}"
    return not cache.add(key, 1, SECONDS)
