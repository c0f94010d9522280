"""Which version stands for each document in a list, and what state a person would say that it is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, Exists, F, Func, Max, OuterRef, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liaoyuan.knowledge.models import PUBLISHED, Collection, DocumentVersion, VersionState
from liaoyuan.knowledge.parse.parser import PARTIAL_FLAGS
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.rules import are_outdated
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, StageRun

READY, PARTIAL, REFUSED, WORKING = "ready", "partial", "refused", "working"
HELD, ENDED, OLDER = "held", "ended", "older"
_PARTIAL = Q(flags__overlap=sorted(PARTIAL_FLAGS))
IN_STATE: Final[dict[str, Q]] = {
    READY: Q(state=VersionState.IN_FORCE) & ~_PARTIAL,
    PARTIAL: Q(state=VersionState.IN_FORCE) & _PARTIAL,
    REFUSED: Q(state=VersionState.REJECTED),
    WORKING: Q(state=VersionState.RECEIVED),
    HELD: Q(state=VersionState.DRAFT),
    ENDED: Q(state__in=(VersionState.WITHDRAWN, VersionState.SUPERSEDED)),
    OLDER: are_outdated(),
}
STATES: Final[dict[str, Any]] = {
    READY: _("Ready"),
    PARTIAL: _("Read in part"),
    REFUSED: _("Refused"),
    WORKING: _("Being read"),
    HELD: _("Draft, waits for you"),
    ENDED: _("No longer in force"),
    OLDER: _("Read by an older version"),
}
SORTS: Final[dict[str, str]] = {
    "name": "document__name",
    "-changed": "-created_at",
    "-size": "-size",
    "-pages": "-pages",
    "-chunks": "-chunk_count",
}
SORT_WORDS: Final[dict[str, Any]] = {
    "name": _("By name"),
    "-changed": _("Newest first"),
    "-size": _("Largest first"),
    "-pages": _("Most pages first"),
    "-chunks": _("Most chunks first"),
}
EVERYBODY: Final = "*"
# A draft never hides what is in force, and what ended is shown only where there is nothing else.
_RANK: Final = Case(
    When(state=VersionState.SUPERSEDED, then=Value(0)),
    When(state__in=(VersionState.DRAFT, VersionState.WITHDRAWN), then=Value(1)),
    default=Value(2),
)
COUNTED: Final[dict[str, Any]] = {
    "documents": Count("id"),
    "passages": Sum("chunk_count"),
    "bytes": Sum("size"),
    "changed": Max("created_at"),
    **{name: Count("id", filter=condition) for name, condition in IN_STATE.items()},
}
# No name of a group holds it: they are typed into one line.
_BETWEEN: Final = "\x1f"
# An import from the command line has no run; its drafts count as being read for so long.
PATIENCE: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Filters:
    """What a reader asked the list for; unknown values are as if not given."""

    q: str = ""
    state: str = ""
    format: str = ""
    group: str = ""
    sort: str = "name"
    day: date | None = None

    @classmethod
    def of(cls, query: Any) -> "Filters":
        state, sort = query.get("state", ""), query.get("sort", "")
        return cls(
            q=query.get("q", "").replace("\x00", "").strip()[:200],
            state=state if state in IN_STATE else "",
            format=query.get("format", "").replace("\x00", "")[:8].lower(),
            group=query.get("group", "").replace("\x00", "")[:64],
            sort=sort if sort in SORTS else "name",
            day=_day(query.get("day", "")),
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As hidden fields of a form that acts on everything the filter shows."""
        named = {"q": self.q, "state": self.state, "format": self.format, "group": self.group, "sort": self.sort}
        named |= {"day": self.day.isoformat()} if self.day else {}
        return [(name, value) for name, value in named.items() if value]

    @property
    def any(self) -> bool:
        return bool(self.q or self.state or self.format or self.group or self.day)


def heads() -> QuerySet[DocumentVersion]:
    """One version a document: the newest that the reader may see, a draft or an ended one only where no other is."""
    readable = versions_readable().alias(rank=_RANK)
    other = readable.filter(document=OuterRef("document"))
    better = other.filter(Q(rank__gt=OuterRef("rank")) | Q(rank=OuterRef("rank"), number__gt=OuterRef("number")))
    return readable.filter(~Exists(better), document__erased_at__isnull=True)


def heads_on(day: date) -> QuerySet[DocumentVersion]:
    """What a question of ``day`` could meet: the version in force then, one a document."""
    found = versions_readable().filter(state__in=PUBLISHED, document__erased_at__isnull=True)
    found = found.filter(Q(effective_from__isnull=True) | Q(effective_from__lte=day))
    return found.filter(Q(effective_to__isnull=True) | Q(effective_to__gt=day))


def collection_heads(collection_id: UUID, filters: Filters) -> QuerySet[DocumentVersion]:
    """The list of one collection, filtered and in order."""
    listed = heads_on(filters.day) if filters.day else heads()
    found = listed.filter(document__collection_id=collection_id)
    if filters.q:
        found = found.filter(Q(document__name__icontains=filters.q) | Q(title__icontains=filters.q))
    if filters.state:
        found = found.filter(IN_STATE[filters.state])
    if filters.format:
        found = found.filter(file_name__iendswith=f".{filters.format}")
    if filters.group:
        found = (
            found.filter(groups=[]) if filters.group == EVERYBODY else found.filter(groups__contains=[filters.group])
        )
    return found.select_related("document").order_by(SORTS[filters.sort], "document__name", "id")


@dataclass(frozen=True)
class Sums:
    """What the documents of one collection come to, for one reader: counts by state, endings of names, groups."""

    counts: Mapping[str, Any]
    formats: Sequence[str]
    groups: Sequence[str]


def sums_of(collection_id: UUID) -> Sums:
    """Everything that the page of a collection says of all its documents, by one statement."""
    ending = Func(F("file_name"), Value(r"\.([A-Za-z0-9]{1,8})$"), function="substring", output_field=TextField())
    joined = Func(F("groups"), Value(_BETWEEN), function="array_to_string", output_field=TextField())
    found = heads().filter(document__collection_id=collection_id).order_by()
    row = found.aggregate(
        **COUNTED, endings=ArrayAgg(Lower(ending), distinct=True), readers=ArrayAgg(joined, distinct=True)
    )
    groups = {group for text in row.pop("readers") or () for group in text.split(_BETWEEN) if group}
    return Sums(row, sorted(each for each in row.pop("endings") or () if each), sorted(groups))


def imports_of(collection: Collection) -> QuerySet[StageRun]:
    """The runs that brought documents into the collection, latest first."""
    own = Q(spec__collection_id=str(collection.id)) | Q(spec__collection=collection.name)
    return StageRun.objects.filter(own, stage=StageName.INGEST).order_by("-created_at")


def imports_open(collection: Collection) -> QuerySet[StageRun]:
    """Those that have not ended."""
    return imports_of(collection).exclude(state__in=FINAL_STATES)


def state_of(version: DocumentVersion, *, importing: bool) -> tuple[str, str, Any]:
    """(the filter's word, the badge's state, the label). A draft that nobody works on was interrupted."""
    if version.state == VersionState.REJECTED:
        return REFUSED, "failed", STATES[REFUSED]
    if version.state == VersionState.RECEIVED:
        if importing or version.created_at > timezone.now() - PATIENCE:
            return WORKING, "running", STATES[WORKING]
        return WORKING, "cancelled", _("Interrupted")
    return _standing(version)


def _standing(version: DocumentVersion) -> tuple[str, str, Any]:
    """Likewise, of one that was read: what its days and a person's decision make of it."""
    today = timezone.localdate()
    if version.state == VersionState.DRAFT:
        return HELD, "draft", STATES[HELD]
    if version.state == VersionState.WITHDRAWN and (version.effective_to or date.min) <= today:
        return ENDED, "cancelled", _("Withdrawn")
    if PARTIAL_FLAGS & set(version.flags):
        return PARTIAL, "waiting", STATES[PARTIAL]
    if version.effective_from and version.effective_from > today:
        return READY, "queued", _("Not in force yet")
    if version.state == VersionState.SUPERSEDED:
        return ENDED, "neutral", _("Superseded")
    return READY, "succeeded", STATES[READY]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
