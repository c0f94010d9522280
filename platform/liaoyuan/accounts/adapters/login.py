"""allauth's hooks: accounts come by invitation, never by open sign-up, and a refusal has one answer."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from liaoyuan.accounts.models import User


class InvitedOnly(DefaultAccountAdapter):
    """Closes open sign-up; an accepted invitation creates the user."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The user, or None: somebody who was deactivated gets no page of their own that tells the pair is right."""
        user: User | None = super().authenticate(request, **credentials)
        return user if user is not None and user.is_active else None

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether ``password`` is ``user``'s. Our users' address is on the user itself, not in allauth's own table."""
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk


def locked_out(request: HttpRequest, response: object, credentials: object) -> HttpResponse:
    """For axes: what somebody sees after too many wrong passwords. The same for an address that nobody has."""
    shown = {"minutes": round(settings.AXES_COOLOFF_TIME * 60), "attempts": settings.AXES_FAILURE_LIMIT}
    answer = render(request, "portal/account/locked.html", shown, status=429)
    answer["Retry-After"] = str(shown["minutes"] * 60)
    return answer


def client_address(request: HttpRequest) -> str:
    """Where a request comes from. ``X-Forwarded-For`` counts only behind as many proxies as the operator named."""
    return get_client_ip(request) or ""


def attempted_address(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """For axes: whose door is being tried, in lower case. allauth calls it email, the admin calls it username."""
    given = credentials or {}
    typed = request.POST.get("login") or request.POST.get("username") if request is not None else None
    return str(given.get("email") or given.get("username") or typed or "").strip().lower()
