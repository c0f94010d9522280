"""What the command palette finds: places, actions, and the visitor's solutions, collections and documents by name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Min
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.pipeline.models import Solution
from liaoyuan.portal.shell.navigation import Place, account_places, entered, navigation

MOST = 6

ACTIONS: Final = (
    Place(gettext_lazy("New solution"), "solution_new", "plus", "solution.create"),
    Place(gettext_lazy("Ask a question"), "chat", "message-square", "ask"),
    Place(gettext_lazy("Bring in documents"), "collections", "upload", "document.import"),
    Place(gettext_lazy("Invite a member"), "members", "user-round-plus", "member.manage"),
    Place(gettext_lazy("New API key"), "keys", "key-round", "key.own"),
)


@dataclass(frozen=True)
class Item:
    """One line: ``note`` says what kind of thing it is or where it lies."""

    label: str
    address: str
    icon: str
    note: str = ""


@dataclass(frozen=True)
class Found:
    title: str
    items: tuple[Item, ...]


def found(who: Principal, query: str) -> list[Found]:
    """The groups that have something for ``query``; without one, places and actions. Ask in the tenant context."""
    groups = [
        Found(_("Do"), tuple(_matching(entered(ACTIONS, who, ""), query))),
        Found(_("Solutions"), tuple(_solutions(who, query))),
        Found(_("Documents"), tuple(_documents(who, query))),
        Found(_("Go to"), tuple(_matching(_places(who), query))),
    ]
    return [group for group in groups if group.items]


def _places(who: Principal) -> Iterator[Place]:
    for group in navigation(who, ""):
        yield from group.places
    yield from account_places(who)


def _matching(places: Iterable[Place], query: str) -> Iterator[Item]:
    for place in places:
        if query.casefold() in str(place.label).casefold():
            yield Item(str(place.label), place.address, place.icon)


def _solutions(who: Principal, query: str) -> Iterator[Item]:
    if not query or not allowed(who, "solution.view"):
        return
    for each in Solution.objects.filter(name__icontains=query).order_by("name")[:MOST]:
        yield from _item(each.name, "solution", "layers", each.industry, solution_id=each.id)


def _documents(who: Principal, query: str) -> Iterator[Item]:
    """Collections, and the documents of which the visitor may read a version."""
    if not query or not allowed(who, "document.view"):
        return
    for each in Collection.objects.filter(name__icontains=query).order_by("name")[:MOST]:
        yield from _item(each.name, "collection", "library", _("Collection"), collection_id=each.id)
    readable = versions_readable().filter(document__name__icontains=query, document__erased_at=None)
    rows = readable.values("document_id", "document__name").annotate(collection=Min("document__collection__name"))
    for row in rows.order_by("document__name")[:MOST]:
        yield from _item(
            row["document__name"], "document", "file-text", row["collection"], document_id=row["document_id"]
        )


def _item(label: str, route: str, icon: str, note: str, **identity: Any) -> Iterator[Item]:
    try:
        yield Item(label, reverse(route, kwargs=identity), icon, note)
    except NoReverseMatch:
        return
