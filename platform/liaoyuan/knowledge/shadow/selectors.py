"""A collection's generations as people see them: how far, how good, at what cost. Inside the tenant context."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.utils import timezone

from liaoyuan.knowledge.models import Collection, IndexState, SearchIndex
from liaoyuan.knowledge.rules import are_outdated, older_than_today
from liaoyuan.knowledge.services.catching_up import edits_lost
from liaoyuan.knowledge.settings import CollectionSettings, settings_of
from liaoyuan.knowledge.shadow.freeing import generations_due
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.pending import indexed_versions, pending
from liaoyuan.knowledge.shadow.stage import SECONDS_A_DOCUMENT
from liaoyuan.knowledge.waiting.models import ITEM_DONE, ImportItem
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.waiting import WaitReport, wait_report

SAMPLE: Final = 200


@dataclass(frozen=True)
class Generation:
    """One generation. ``run`` is the one that builds or last built it; ``behind`` counts documents that it lacks,
    ``older`` those that stand in it as older rules read or cut them."""

    index: SearchIndex
    settings: CollectionSettings
    documents: int
    chunks: int
    behind: int
    older: int
    edits_lost: int
    kept_readings: int
    seconds: float
    run: StageRun | None
    wait: WaitReport | None
    freed_at: datetime | None

    @property
    def building(self) -> bool:
        return self.run is not None and self.run.state not in FINAL_STATES

    @property
    def can_swap(self) -> bool:
        return self.index.state in (IndexState.READY, IndexState.RETIRED) and not self.building

    @property
    def can_drop(self) -> bool:
        return self.index.state != IndexState.LIVE and not self.building

    @property
    def can_resume(self) -> bool:
        """Whether its build stopped short: the run goes on where it was."""
        ended = self.run is not None and self.run.state in FINAL_STATES - {RunState.SUCCEEDED}
        return ended and self.index.state in (IndexState.BUILDING, IndexState.FAILED)


def generations_of(collection_id: UUID) -> list[Generation]:
    """Newest first."""
    indexes = list(SearchIndex.objects.filter(collection_id=collection_id).order_by("-number"))
    runs = StageRun.objects.in_bulk([index.run_id for index in indexes if index.run_id])
    counted = IndexEntry.objects.filter(index__in=indexes).values("index_id")
    counted = counted.annotate(
        n=Count("id"),
        taken=Sum("seconds"),
        made=Sum("chunks"),
        kept=Count("id", filter=~Q(note={})),
        older=Count("id", filter=older_than_today("", "document_version__media_type")),
    )
    sums = {row["index_id"]: row for row in counted}
    due = generations_due(indexes)
    total = indexed_versions(collection_id).aggregate(
        n=Count("id"), chunks=Sum("chunk_count", default=0), older=Count("id", filter=are_outdated())
    )
    return [_generation(index, runs, sums.get(index.id, {}), due.get(index.id), total) for index in indexes]


def _generation(
    index: SearchIndex, runs: dict[UUID, StageRun], sums: Any, freed_at: datetime | None, total: dict[str, int]
) -> Generation:
    run = runs.get(index.run_id) if index.run_id else None
    is_live = index.state == IndexState.LIVE
    return Generation(
        index=index,
        settings=settings_of(index.settings | {"embedder": index.embedder}),
        documents=total["n"] if is_live else sums.get("n", 0),
        chunks=total["chunks"] if is_live else sums.get("made") or 0,
        behind=0 if is_live else len(pending(index)),
        older=total["older"] if is_live else sums.get("older", 0),
        edits_lost=edits_lost(index.id),
        kept_readings=sums.get("kept", 0),
        seconds=sums.get("taken") or 0.0,
        run=run,
        wait=wait_report(run) if run else None,
        freed_at=freed_at,
    )


def index_ahead(collection_id: UUID) -> SearchIndex | None:
    """The newest generation, where it was begun after the live one and may still take its place."""
    newest = SearchIndex.objects.filter(collection_id=collection_id).order_by("-number").first()
    return newest if newest and newest.state in (IndexState.BUILDING, IndexState.READY) else None


def rebuild_seconds(collection_id: UUID) -> float:
    """How long building a generation should take, by the seconds a chunk of earlier builds, else of imports."""
    versions = indexed_versions(collection_id)
    chunks = versions.aggregate(n=Sum("chunk_count", default=0))["n"]
    # What was embedded again tells the pace; where most stood already, a build is a copy.
    built = IndexEntry.objects.filter(seconds__gt=0, chunks__gt=0, reused=0).order_by("-created_at")
    pace = [seconds / count for seconds, count in built.values_list("seconds", "chunks")[:SAMPLE]]
    if not pace:
        done = ImportItem.objects.filter(state__in=ITEM_DONE, share__gt=0, chunks__gt=0).order_by("-finished_at")
        pace = [seconds / count for seconds, count in done.values_list("share", "chunks")[:SAMPLE]]
    return chunks * median(pace) if pace else versions.count() * SECONDS_A_DOCUMENT


def rebuild_ends(collection_id: UUID) -> datetime:
    """When a build that begins now should be done."""
    return timezone.now() + timedelta(seconds=rebuild_seconds(collection_id))


def collection_settings(collection: Collection) -> CollectionSettings:
    """The settings in force: those of its row."""
    return settings_of(collection.settings)


def not_carried(index_id: UUID) -> Sequence[dict[str, Any]]:
    """Documents whose older reading was kept, with the reason: [{document, zh, en}]."""
    kept = IndexEntry.objects.filter(index_id=index_id).exclude(note={}).select_related("document_version__document")
    return [{"document": entry.document_version.document.name, **entry.note} for entry in kept[:SAMPLE]]
