"""The console's places, in the same frame as the portal's."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class Place:
    """One entry of the side bar."""

    label: Any
    icon: str
    address: str
    current: bool = False


@dataclass(frozen=True)
class Group:
    label: Any
    places: list[Place]


GROUPS: Final = (
    (
        gettext_lazy("Watch"),
        (
            (gettext_lazy("Overview"), "console", "gauge"),
            (gettext_lazy("Jobs"), "console_jobs", "list-checks"),
            (gettext_lazy("Workers and queues"), "console_workers", "server-cog"),
            (gettext_lazy("Model servers"), "console_models", "cpu"),
        ),
    ),
    (
        gettext_lazy("Manage"),
        (
            (gettext_lazy("Organizations"), "console_organizations", "building-2"),
            (gettext_lazy("Industry packs"), "console_packs", "package"),
        ),
    ),
    (
        gettext_lazy("Platform"),
        (
            (gettext_lazy("Audit"), "console_audit", "scroll-text"),
            (gettext_lazy("Settings in force"), "console_settings", "sliders-horizontal"),
            (gettext_lazy("Support bundle"), "console_support", "life-buoy"),
        ),
    ),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the frame around a console page shows."""
    path = request.path
    groups = [Group(label, [_place(*each, path=path) for each in places]) for label, places in GROUPS]
    return {
        "here": None,
        "name": _("Operator's console"),
        "role": "operator",
        "organizations": {},
        "navigation": groups,
        "account": [Place(_("To the portal"), "house", "/"), *_account()],
        "bell": "",
        "unread": 0,
    }


def _account() -> list[Place]:
    found = []
    for label, route, icon in ((_("Account"), "account", "user-round-cog"),):
        try:
            found.append(Place(label, icon, reverse(route)))
        except NoReverseMatch:
            continue
    return found


def _place(label: Any, route: str, icon: str, *, path: str) -> Place:
    address = reverse(route)
    current = path == address if route == "console" else path.startswith(address)
    return Place(label, icon, address, current)
