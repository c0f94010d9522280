"""Where a walk through the lineage may begin: the newest of each kind, and what was searched for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.models import Document
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.operations.models import Trace
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.neighbours import Key
from liaoyuan.portal.lineage.names import names_of
from liaoyuan.portal.lineage.traces import traces_holding
from liaoyuan.portal.lineage.words import KIND_ICONS, KINDS, OTHER_ICON

NEWEST: Final = 6
MOST_FOUND: Final = 12
GROUPS: Final = (("bundle", _("Bundles")), ("dataset_version", _("Datasets")), ("model_version", _("Models")))


@dataclass(frozen=True)
class Entry:
    kind: Any
    icon: str
    title: str
    detail: str
    address: str


@dataclass(frozen=True)
class Group:
    title: Any
    entries: Sequence[Entry]


@dataclass(frozen=True)
class LineageIndex:
    query: str
    groups: Sequence[Group]

    @property
    def empty(self) -> bool:
        return not any(group.entries for group in self.groups)


def lineage_index(query: str, principal: Principal) -> LineageIndex:
    """The newest of each kind, or what ``query`` (words of a name, or an id) finds."""
    keys = _found(query.strip(), principal) if query.strip() else _newest(principal)
    names = names_of([key for _title, group in keys for key in group], principal)
    groups = [
        Group(title, [_entry(key, names[key]) for key in group if key in names]) for title, group in keys if group
    ]
    return LineageIndex(query.strip(), groups)


def _newest(principal: Principal) -> list[tuple[Any, list[Key]]]:
    groups: list[tuple[Any, list[Key]]] = [
        (title, _artifacts(Artifact.objects.filter(kind=kind), NEWEST)) for kind, title in GROUPS
    ]
    groups.append((_("Documents"), _documents("", NEWEST)))
    answers = (
        Trace.objects.all() if allowed(principal, "trace.view") else Trace.objects.filter(user_id=principal.user_id)
    )
    groups.append((_("Answers"), _ids("answer", answers.order_by("-created_at"), NEWEST)))
    return groups


def _found(query: str, principal: Principal) -> list[tuple[Any, list[Key]]]:
    artifacts = Artifact.objects.exclude(kind="document_version").filter(_by_name_or_id("name", query))
    groups = [(_("Documents"), _documents(query, MOST_FOUND)), (_("Artifacts"), _artifacts(artifacts, MOST_FOUND))]
    answers = traces_holding(query, principal)
    groups.append((_("Answers"), _ids("answer", answers.order_by("-created_at"), MOST_FOUND)))
    return groups


def _by_name_or_id(column: str, query: str) -> Q:
    try:
        return Q(id=UUID(query))
    except ValueError:
        return Q(**{f"{column}__icontains": query})


def _documents(query: str, most: int) -> list[Key]:
    documents = Document.objects.filter(erased_at__isnull=True)
    if current_tenant().groups is not None:
        documents = documents.filter(id__in=versions_readable().values("document_id"))
    if query:
        documents = documents.filter(_by_name_or_id("name", query) | Q(versions__title__icontains=query)).distinct()
    return _ids("document", documents.order_by("-created_at"), most)


def _artifacts(artifacts: Any, most: int) -> list[Key]:
    return list(artifacts.order_by("-created_at").values_list("kind", "id")[:most])


def _ids(kind: str, rows: Any, most: int) -> list[Key]:
    return [(kind, row.id) for row in rows[:most]]


def _entry(key: Key, named: Any) -> Entry:
    kind = KINDS.get(key[0], key[0].replace("_", " "))
    return Entry(
        kind, KIND_ICONS.get(key[0], OTHER_ICON), named.title, named.detail, reverse("lineage_of", args=list(key))
    )
