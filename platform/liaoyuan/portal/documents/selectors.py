"""What the pages of collections show, ready for their templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_survey
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, SearchIndex
from liaoyuan.knowledge.parse.parser import PARTIAL_FLAGS
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.rules import outdated
from liaoyuan.knowledge.services.rereading import edits_waiting, rereads_latest
from liaoyuan.knowledge.services.unlocking import is_locked
from liaoyuan.knowledge.shadow.selectors import index_ahead
from liaoyuan.knowledge.waiting.models import ITEM_AGAIN, ITEM_OPEN
from liaoyuan.pipeline.models import FINAL_STATES, Lineage, RunState, Solution, StageRun
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.portal.away import Watch, watch
from liaoyuan.portal.documents import listing
from liaoyuan.portal.documents.listing import Filters
from liaoyuan.portal.documents.waiting import LineView, line_view

PAGE_SIZE: Final = 50
MOST_COLLECTIONS: Final = 200
MOST_IMPORTS: Final = 20
# What a reader should know of a file; the layout's own marks stay out of the way.
FLAGS: Final[dict[str, Any]] = {
    "ocr": _("Recognised from a scan (OCR)"),
    "hidden_text": _("Hidden text was taken out"),
    "layer_differs": _("The scan’s hidden text layer says something else than its picture; the picture was read"),
    "page_limit": _("Only the first pages were read"),
    "time_limit": _("Only what fitted into the time was read"),
    "cell_limit": _("Only the first cells were read"),
    "character_limit": _("Only the first characters were read"),
    "damaged_page": _("Some pages are damaged"),
}
FLAG_WORDS: Final[dict[str, Any]] = {"ocr": _("OCR"), "hidden_text": _("hidden text")}
OLDER_WORD: Final = _("read by an older version")
OLDER_MEANING: Final = _(
    "The platform has since learned to read or cut such files better. Read it again, or its collection as a whole."
)
DESCENDANTS: Final[dict[str, Any]] = {
    "dataset_version": _("datasets made from it"),
    "model_version": _("models trained on it"),
    "bundle": _("bundles that hold it"),
    "deployment": _("deployments that hold it"),
    "answer": _("answers that quote it"),
}


@dataclass(frozen=True)
class CollectionCard:
    """One collection in the list. Counts are of what the reader may see."""

    id: UUID
    name: str
    documents: int
    ready: int
    refused: int
    working: int
    older: int
    chunks: int
    size: int
    changed: datetime | None
    solutions: Sequence[Solution]


@dataclass(frozen=True)
class Flag:
    word: Any
    meaning: Any


@dataclass(frozen=True)
class Again:
    """What became of reading a version again: it is on its way (``open``), it could not be read (``refused``, a
    sentence), edits could not be carried over (``lost``, how many)."""

    open: bool = False
    refused: str = ""
    lost: int = 0


@dataclass(frozen=True)
class FileRow:
    """One document in the table, by its newest version."""

    id: UUID
    version_id: UUID
    name: str
    title: str
    state: str
    badge: str
    label: Any
    reason: str
    locked: bool
    version: str
    effective_from: date | None
    pages: int
    blocks: int
    chunks: int
    size: int
    flags: Sequence[Flag]
    groups: Sequence[str]
    changed: datetime
    again: Again


@dataclass(frozen=True)
class ImportView:
    """One import that runs or waits: where it stands, and why it does not go on."""

    id: UUID
    badge: str
    line: str
    percent: int | None
    until: datetime | None
    cancellable: bool


@dataclass(frozen=True)
class ImportResult:
    """How the latest finished import ended; ``refused`` are (file, reason) of files that left no row."""

    at: datetime | None
    summary: str
    failed: bool
    refused: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Rights:
    """What the reader may do here; the services ask again."""

    create: bool
    upload: bool
    erase: bool
    regroup: bool
    settings: bool

    @classmethod
    def of(cls, who: Principal) -> "Rights":
        return cls(
            create=allowed(who, "collection.create"),
            upload=allowed(who, "document.import"),
            erase=allowed(who, "document.erase"),
            regroup=allowed(who, "document.edit") and who.document_groups is None,
            settings=allowed(who, "collection.settings"),
        )


@dataclass(frozen=True)
class CollectionPage:
    """A collection with one page of its documents."""

    collection: Collection
    card: CollectionCard
    filters: Filters
    page: Page[DocumentVersion]
    rows: Sequence[FileRow]
    formats: Sequence[str]
    groups: Sequence[str]
    imports: Sequence[ImportView]
    watch: Watch
    latest: ImportResult | None
    rights: Rights
    line: LineView
    successor: SearchIndex | None

    @property
    def retryable(self) -> bool:
        """Whether there is anything to try again now."""
        return self.rights.upload and not self.imports and bool(self.card.refused or self.card.working)


@dataclass(frozen=True)
class Erasure:
    """What goes when documents are erased, and what was made from them and stays."""

    documents: Sequence[tuple[UUID, str]]
    versions: int
    chunks: int
    size: int
    descendants: Sequence[tuple[Any, int]]


def collection_get(collection_id: UUID) -> Collection:
    """Raises NotFound."""
    found = Collection.objects.filter(id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def collection_cards() -> list[CollectionCard]:
    """The organization's collections by name, each with the sums of its documents."""
    by_collection = listing.heads().values("document__collection_id").order_by()
    found = {
        row["document__collection_id"]: cast("dict[str, Any]", row) for row in by_collection.annotate(**listing.COUNTED)
    }
    shown = list(Collection.objects.order_by("name")[:MOST_COLLECTIONS])
    solutions = list(Solution.objects.filter(collection_id__in=[each.id for each in shown]).order_by("name"))
    return [_card(each, found.get(each.id, {}), [s for s in solutions if s.collection_id == each.id]) for each in shown]


def collection_page(
    collection_id: UUID, filters: Filters, number: str, who: Principal, language: str
) -> CollectionPage:
    """One page of a collection's documents. Raises NotFound."""
    collection = collection_get(collection_id)
    sums = listing.sums_of(collection_id)
    # Unfiltered the table has as many rows as were counted already.
    count = None if filters.any else sums.counts["documents"]
    page = _page(listing.collection_heads(collection_id, filters), number, count)
    runs = list(listing.imports_open(collection).order_by("created_at"))
    imports = [_import(run, who, language) for run in runs[:MOST_IMPORTS]]
    again = rereading_of([version.id for version in page], language)
    return CollectionPage(
        collection=collection,
        card=_card(collection, sums.counts, Solution.objects.filter(collection_id=collection_id).order_by("name")),
        filters=filters,
        page=page,
        rows=[_row(version, language, again.get(version.id, Again()), importing=bool(imports)) for version in page],
        formats=sums.formats,
        groups=sums.groups,
        imports=imports,
        watch=watch(runs),
        latest=_latest(collection, who, language),
        rights=Rights.of(who),
        line=line_view(collection_id),
        successor=index_ahead(collection_id) if sums.counts["older"] else None,
    )


def _page(rows: QuerySet[DocumentVersion], number: str, known: int | None) -> Page[DocumentVersion]:
    paginator = Paginator(rows, PAGE_SIZE)
    if known is not None:
        # A cached property: it is not counted again.
        vars(paginator)["count"] = known
    return paginator.get_page(number)


def groups_known() -> list[str]:
    """Every group of the organization's members, for the choice of who may read."""
    found: set[str] = set()
    for groups in Member.objects.values_list("groups", flat=True):
        found |= set(groups)
    return sorted(found)


def sample_packs(language: str) -> list[tuple[str, str, int]]:
    """(name, title, number of documents) of the packs whose samples can be tried."""
    packs, _refused = industry_survey()
    zh = language == "zh"
    titled = [(pack, pack.spec.title.zh if zh else pack.spec.title.en) for pack in packs]
    return [(pack.name, title, len(pack.documents.documents)) for pack, title in titled]


def erasure_of(document_ids: Sequence[UUID], collection_id: UUID) -> Erasure:
    """What erasing these documents of one collection takes with it. Raises NotFound where none of them is there."""
    versions = versions_readable().filter(
        document_id__in=document_ids, document__collection_id=collection_id, document__erased_at__isnull=True
    )
    documents = sorted(set(versions.values_list("document_id", "document__name")), key=lambda pair: pair[1])
    if not documents:
        raise NotFound
    every = DocumentVersion.objects.filter(document_id__in=[each for each, _name in documents])
    ids = list(every.values_list("id", flat=True))
    chunks = list(Chunk.objects.filter(version_id__in=ids).values_list("id", flat=True))
    children = Lineage.objects.filter(parent_id__in=[*ids, *chunks], child_kind__in=list(DESCENDANTS))
    counts = children.values("child_kind").annotate(n=Count("child_id", distinct=True)).order_by("child_kind")
    return Erasure(
        documents=documents,
        versions=len(ids),
        chunks=len(chunks),
        size=every.aggregate(total=Sum("size", default=0))["total"],
        descendants=[(DESCENDANTS[row["child_kind"]], row["n"]) for row in counts],
    )


def _card(collection: Collection, sums: Mapping[str, Any], solutions: Iterable[Solution]) -> CollectionCard:
    return CollectionCard(
        id=collection.id,
        name=collection.name,
        documents=sums.get("documents", 0),
        ready=sums.get("ready", 0) + sums.get("partial", 0),
        refused=sums.get("refused", 0),
        working=sums.get("working", 0),
        older=sums.get("older", 0),
        chunks=sums.get("passages") or 0,
        size=sums.get("bytes") or 0,
        changed=sums.get("changed"),
        solutions=list(solutions),
    )


def rereading_of(version_ids: Sequence[UUID], language: str) -> dict[UUID, Again]:
    """By version, what became of reading it again; those of which there is nothing to say are not named."""
    lost = edits_waiting(version_ids)
    latest = rereads_latest(version_ids)
    reason = "reason_zh" if language == "zh" else "reason_en"
    return {
        key: Again(
            open=key in latest and latest[key].state in ITEM_OPEN,
            refused=str(getattr(latest[key], reason)) if key in latest and latest[key].state in ITEM_AGAIN else "",
            lost=lost.get(key, 0),
        )
        for key in {*lost, *latest}
    }


def _row(version: DocumentVersion, language: str, again: Again, *, importing: bool) -> FileRow:
    state, badge, label = listing.state_of(version, importing=importing)
    return FileRow(
        id=version.document_id,
        version_id=version.id,
        name=version.document.name,
        title=version.title,
        state=state,
        badge=badge,
        label=label,
        reason=str(version.error.get(language, "")),
        locked=is_locked(version),
        version=version.label,
        effective_from=version.effective_from,
        pages=version.pages,
        blocks=version.blocks,
        chunks=version.chunk_count,
        size=version.size,
        flags=flags_of(version),
        groups=version.groups,
        changed=version.created_at,
        again=again,
    )


def flags_of(version: DocumentVersion) -> list[Flag]:
    """The marks that a reader should know, each with its meaning."""
    older = [Flag(OLDER_WORD, OLDER_MEANING)] if outdated(version) else []
    return older + [
        Flag(FLAG_WORDS.get(flag, _("in part")), FLAGS[flag])
        for flag in version.flags
        if flag in FLAG_WORDS or flag in PARTIAL_FLAGS
    ]


def _import(run: StageRun, who: Principal, language: str) -> ImportView:
    wait = wait_report(run)
    zh = language == "zh"
    if wait is not None:
        line, until = (wait.reason_zh if zh else wait.reason_en), wait.until
    else:
        line, until = (run.message_zh if zh else run.message_en) if _told(run, who) else "", run.eta
    running = run.state in (RunState.RUNNING, RunState.CANCELLING)
    return ImportView(
        id=run.id,
        badge=run.state,
        line=line,
        percent=round(100 * run.progress) if running else None,
        until=until,
        cancellable=allowed(who, "run.cancel"),
    )


def _told(run: StageRun, who: Principal) -> bool:
    """An import names its files as it goes: that is for those who see all documents, and for who started it."""
    return who.document_groups is None or run.requested_by == who.user_id


def _latest(collection: Collection, who: Principal, language: str) -> ImportResult | None:
    run = listing.imports_of(collection).filter(state__in=FINAL_STATES).first()
    if run is None:
        return None
    reason = "reason" if language == "zh" else "reason_en"
    files = run.result.get("files", []) if _told(run, who) else []
    lost = [file for file in files if file.get("state") == "rejected" and not file.get("version_id")]
    failed = run.state != RunState.SUCCEEDED
    told = run.error.get(language) or run.error.get("message", "")
    return ImportResult(
        at=run.finished_at,
        summary=str(told if failed else run.result.get(f"summary_{language}", "")),
        failed=failed,
        refused=[(str(file.get("path", "")).rsplit("/", 1)[-1], str(file.get(reason, ""))) for file in lost[:20]],
    )
