"""What the frame around every page shows: where one is and where one may go."""

from importlib.util import find_spec
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from liaoyuan.accounts.policy import Principal
from liaoyuan.portal.shell.navigation import account_places, navigation


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context processor. Pages before the door (login, errors) get an empty frame."""
    who: Principal | None = getattr(request, "principal", None)
    if who is None:
        return {"shell": None}
    organizations: dict[Any, str] = getattr(request, "organizations", {})
    return {
        "shell": {
            "here": who.organization_id,
            "name": organizations.get(who.organization_id, ""),
            "role": who.role,
            "organizations": organizations,
            "navigation": navigation(who, request.path),
            "account": account_places(who),
            "bell": address("notifications"),
            "unread": unread_count(request),
        }
    }


def address(route: str) -> str:
    """The path of a route that may not exist in this build; empty then."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


def unread_count(request: HttpRequest) -> int:
    """How many notifications the visitor has not read; `portal.home.selectors.unread_count` counts them."""
    if find_spec("liaoyuan.portal.home.selectors") is None:
        return 0
    from liaoyuan.portal.home import selectors

    count = getattr(selectors, "unread_count", None)
    return int(count(request)) if count else 0
