"""What the frame around every page shows: where one is and where one may go."""

from typing import Any

from django.http import HttpRequest

from liaoyuan.accounts.policy import Principal
from liaoyuan.portal.shell.navigation import navigation


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
        }
    }
