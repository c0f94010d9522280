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


ICONS: Final = {
    "console": "gauge",
    "console_jobs": "list-checks",
    "console_workers": "server-cog",
    "console_models": "cpu",
    "console_organizations": "building-2",
    "console_packs": "package",
    "console_audit": "scroll-text",
    "console_settings": "sliders-horizontal",
    "console_support": "life-buoy",
}
GROUPS: Final = (
    (
        gettext_lazy("Watch"),
        (
            (gettext_lazy("Overview"), "console"),
            (gettext_lazy("Jobs"), "console_jobs"),
            (gettext_lazy("Workers and queues"), "console_workers"),
            (gettext_lazy("Model servers"), "console_models"),
        ),
    ),
    (
        gettext_lazy("Manage"),
        (
            (gettext_lazy("Organizations"), "console_organizations"),
            (gettext_lazy("Industry packs"), "console_packs"),
        ),
    ),
    (
        gettext_lazy("Platform"),
        (
            (gettext_lazy("Audit"), "console_audit"),
            (gettext_lazy("Settings in force"), "console_settings"),
            (gettext_lazy("Support bundle"), "console_support"),
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


def _place(label: Any, route: str, *, path: str) -> Place:
    address = reverse(route)
    current = path == address if route == "console" else path.startswith(address)
    return Place(label, ICONS[route], address, current)
