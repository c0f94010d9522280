"""What the pages of sources show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection, Document
from liaoyuan.knowledge.sources.models import ItemState, Source, SourceItem, SourceKind, SourceState
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.portal.sources.forms import SCHEDULE_WORDS

PAGE_SIZE: Final = 50
KINDS: Final[dict[str, Any]] = {
    SourceKind.FOLDER: _("Folder"),
    SourceKind.S3: _("S3 bucket"),
    SourceKind.WEB: _("Web pages"),
}
ADD_WORDS: Final[dict[str, Any]] = {
    SourceKind.FOLDER: _("Follow a folder"),
    SourceKind.S3: _("Follow an S3 bucket"),
    SourceKind.WEB: _("Follow web pages"),
}
ICONS: Final[dict[str, str]] = {SourceKind.FOLDER: "folder", SourceKind.S3: "database", SourceKind.WEB: "globe"}
ITEM_WORDS: Final[dict[str, tuple[str, Any]]] = {
    ItemState.READY: ("succeeded", _("Synchronized")),
    ItemState.PENDING: ("queued", _("Waits to be read")),
    ItemState.FAILED: ("failed", _("Failed")),
    ItemState.SKIPPED: ("neutral", _("Skipped")),
    ItemState.GONE: ("cancelled", _("Deleted at the source")),
}
COUNT_WORDS: Final[dict[str, Any]] = {
    "read": _("read"),
    "unchanged": _("unchanged"),
    "renamed": _("renamed"),
    "gone": _("ended here"),
    "regrouped": _("new readers"),
    "skipped": _("skipped"),
    "failed": _("failed"),
    "held": _("wait for you"),
}


@dataclass(frozen=True)
class RunView:
    """One synchronization, under way or over."""

    id: UUID
    badge: str
    at: Any
    line: str
    percent: int | None
    open: bool


@dataclass(frozen=True)
class SourceCard:
    """One source in a list. ``place`` is for those who manage sources only."""

    source: Source
    kind: Any
    icon: str
    place: str
    badge: str
    state: Any
    schedule: Any
    items: dict[str, int]
    counts: Sequence[tuple[Any, int]]
    reason: str
    run: RunView | None

    @property
    def total(self) -> int:
        return sum(count for state, count in self.items.items() if state != ItemState.GONE)

    @property
    def failed(self) -> int:
        return self.items.get(ItemState.FAILED, 0)


@dataclass(frozen=True)
class ItemRow:
    key: str
    badge: str
    state: Any
    size: int
    modified: Any
    groups: Sequence[str]
    reason: str
    documents: Sequence[tuple[UUID, str]]
    synced_at: Any


def source_get(source_id: UUID) -> Source:
    """Raises NotFound."""
    found = Source.objects.select_related("collection").filter(id=source_id).first()
    if found is None:
        raise NotFound
    return found


def source_cards(collection: Collection, language: str) -> list[SourceCard]:
    """The collection's sources by name."""
    return [source_card(source, language) for source in Source.objects.filter(collection=collection).order_by("name")]


def source_card(source: Source, language: str) -> SourceCard:
    items = dict(SourceItem.objects.filter(source=source).values_list("state").annotate(n=Count("id")))
    runs = runs_shown(runs_stored(source, 1), language)
    badge, word = _state(source, runs[0] if runs else None)
    return SourceCard(
        source=source,
        kind=KINDS[SourceKind(source.kind)],
        icon=ICONS[SourceKind(source.kind)],
        place=_place(source),
        badge=badge,
        state=word,
        schedule=SCHEDULE_WORDS[source.every_minutes],
        items=items,
        counts=[(word, source.counts[key]) for key, word in COUNT_WORDS.items() if source.counts.get(key)],
        reason=str(source.error.get(language, "")),
        run=runs[0] if runs else None,
    )


def runs_stored(source: Source, most: int = 20) -> list[StageRun]:
    """Its synchronizations, latest first."""
    runs = StageRun.objects.filter(stage=StageName.SYNC, spec__source_id=str(source.id)).order_by("-created_at")
    return list(runs[:most])


def runs_shown(runs: Iterable[StageRun], language: str) -> list[RunView]:
    """The same as a page shows them."""
    return [_run(run, language) for run in runs]


def item_page(source: Source, state: str, q: str, number: str, language: str) -> Page[Any]:
    """One page of what was seen there, those with a reason first."""
    found = SourceItem.objects.filter(source=source).order_by("key")
    if state in ITEM_WORDS:
        found = found.filter(state=state)
    if q:
        found = found.filter(key__icontains=q)
    page: Page[Any] = Paginator(found, PAGE_SIZE).get_page(number)
    rows = list(page.object_list)
    wanted = {each for row in rows for each in row.documents}
    names = dict(Document.objects.filter(id__in=wanted, erased_at__isnull=True).values_list("id", "name"))
    page.object_list = [_item(row, names, language) for row in rows]
    return page


def _item(row: SourceItem, names: dict[UUID, str], language: str) -> ItemRow:
    badge, word = ITEM_WORDS[row.state]
    return ItemRow(
        key=row.key,
        badge=badge,
        state=word,
        size=row.size,
        modified=row.modified,
        groups=row.groups,
        reason=str(row.error.get(language, "")),
        documents=[(each, names[each]) for each in row.documents if each in names][:5],
        synced_at=row.synced_at,
    )


def _run(run: StageRun, language: str) -> RunView:
    wait = wait_report(run)
    zh = language == "zh"
    if wait is not None:
        line = wait.reason_zh if zh else wait.reason_en
    elif run.state in (RunState.FAILED, RunState.ERRORED, RunState.DEAD):
        line = str(run.error.get(language, ""))
    else:
        line = run.message_zh if zh else run.message_en
    running = run.state in (RunState.RUNNING, RunState.CANCELLING)
    return RunView(
        id=run.id,
        badge=run.state,
        at=run.created_at,
        line=line,
        percent=round(100 * run.progress) if running else None,
        open=run.state not in FINAL_STATES,
    )


def _state(source: Source, run: RunView | None) -> tuple[str, Any]:
    if run is not None and run.open:
        return run.badge, _("Synchronizing")
    if source.held:
        return "needs-you", _("Waits for your word")
    if source.error:
        return "failed", _("Cannot be read")
    if source.state == SourceState.PAUSED:
        return "cancelled", _("Paused")
    if source.last_run_at is None:
        return "draft", _("Not read yet")
    return "succeeded", _("In step")


def _place(source: Source) -> str:
    told = source.settings
    if source.kind == SourceKind.FOLDER:
        return "/".join(part for part in (told["root"].rstrip("/"), told["path"]) if part)
    if source.kind == SourceKind.S3:
        return f"{told['endpoint']}/{told['bucket']}/{told['path']}".rstrip("/")
    return str(told["urls"][0])
