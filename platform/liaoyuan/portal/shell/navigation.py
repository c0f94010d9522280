"""The portal's places: what the side bar and the command palette list for a role."""

from collections.abc import Iterable, Iterator
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
    # Beginnings of other addresses that belong to it.
    below: tuple[str, ...] = ()


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
            Place(_("Documents"), "collections", "library", "document.view", below=("/documents/", "/sources/")),
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

ACCOUNT: Final = (
    Place(_("Account"), "account", "user-round-cog", ""),
    Place(_("Password"), "account_change_password", "key-round", ""),
    Place(_("Two steps"), "mfa_index", "shield-check", ""),
    Place(_("Sessions"), "usersessions_list", "monitor-smartphone", ""),
    Place(_("Organization settings"), "organization_settings", "settings", "organization.settings"),
    Place(_("API description"), "api:openapi-view", "braces", ""),
)


def account_places(who: Principal) -> list[Place]:
    """What the menu behind one's name lists."""
    return list(entered(ACCOUNT, who, ""))


def navigation(who: Principal, path: str) -> list[Group]:
    """The groups with the places that ``who`` may enter; an empty group is left out."""
    found = [Group(group.label, tuple(entered(group.places, who, path))) for group in GROUPS]
    return [group for group in found if group.places]


def entered(places: Iterable[Place], who: Principal, path: str) -> Iterator[Place]:
    """Those that exist in this build and that ``who`` may enter; an empty action is everybody's."""
    for place in places:
        if place.action and not allowed(who, place.action):
            continue
        try:
            address = reverse(place.route)
        except NoReverseMatch:
            continue
        current = path == address if address == "/" else path.startswith((address, *place.below))
        yield replace(place, address=address, current=current)
