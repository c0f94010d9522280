"""The portal's places: what the side bar and the command palette list for a role."""

from dataclasses import dataclass, replace
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed


@dataclass(frozen=True)
class Place:
    """One entry: ``icon`` names a symbol of the sprite, ``current`` is set for the place that the reader is in."""

    label: Any
    route: str
    icon: str
    action: str
    address: str = ""
    current: bool = False


@dataclass(frozen=True)
class Group:
    label: Any
    places: tuple[Place, ...]


GROUPS: Final = (
    Group(
        _("Work"),
        (
            Place(_("Home"), "home", "house", "solution.view"),
            Place(_("Solutions"), "solutions", "layers", "solution.view"),
            Place(_("Documents"), "collections", "library", "document.view"),
            Place(_("Chat"), "chat", "message-square", "ask"),
            Place(_("Lineage"), "lineage", "waypoints", "lineage.view"),
        ),
    ),
    Group(
        _("Govern"),
        (
            Place(_("Traces"), "traces", "activity", "trace.view"),
            Place(_("Members"), "members", "users", "member.view"),
            Place(_("API keys"), "keys", "key-round", "key.own"),
            Place(_("Audit"), "audit", "scroll-text", "audit.view"),
        ),
    ),
)


def navigation(who: Principal, path: str) -> list[Group]:
    """The groups with the places that ``who`` may enter; an empty group is left out."""
    found = [Group(group.label, tuple(_places(group, who, path))) for group in GROUPS]
    return [group for group in found if group.places]


def _places(group: Group, who: Principal, path: str) -> list[Place]:
    found = []
    for place in group.places:
        if not allowed(who, place.action):
            continue
        try:
            address = reverse(place.route)
        except NoReverseMatch:
            continue
        current = path == address if address == "/" else path.startswith(address)
        found.append(replace(place, address=address, current=current))
    return found
