"""What the chunks page and the API show of chunks and their edits; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.anchors import Places
from liaoyuan.knowledge.edits.groups import ORDER, draft_of
from liaoyuan.knowledge.edits.models import ChunkEdit, ChunkPatch, PatchState
from liaoyuan.knowledge.edits.patches import draft_from_dict
from liaoyuan.knowledge.models import Chunk, DocumentVersion, IndexState
from liaoyuan.knowledge.rights import versions_readable


@dataclass(frozen=True, slots=True)
class LostEdit:
    """An edit that could not be carried: what the text was, what the person made of it, and where to look now."""

    id: UUID
    reason: str
    author: str
    at: datetime
    before: str
    after: str
    disabled: bool
    page: int | None
    locator: str
    heading_path: tuple[str, ...]
    near: UUID | None


@dataclass(frozen=True, slots=True)
class EditCounts:
    """Of one version in the live generation."""

    chunks: int
    edited: int
    added: int
    disabled: int
    lost: int


def live_chunks(version: DocumentVersion) -> QuerySet[Chunk]:
    """A version's chunks in the live generation, in reading order."""
    rows = Chunk.objects.filter(version=version, index__state=IndexState.LIVE)
    return rows.defer("embedding", "terms").order_by(*ORDER)


def chunk_readable(chunk_id: UUID) -> Chunk:
    """A chunk that the caller may read. Raises NotFound."""
    rows = Chunk.objects.select_related("index", "version__document").filter(version__in=versions_readable())
    found = rows.defer("embedding", "terms").filter(id=chunk_id).first()
    if found is None:
        raise NotFound
    return found


def edit_counts(version: DocumentVersion) -> EditCounts:
    """How many chunks people changed, added, switched off; and how many edits wait because they were lost."""
    rows = live_chunks(version)
    return EditCounts(
        chunks=rows.count(),
        edited=rows.filter(origin="edited").count(),
        added=rows.filter(origin="added").count(),
        disabled=rows.filter(enabled=False).count(),
        lost=_lost(version).count(),
    )


def lost_edits(version: DocumentVersion) -> list[LostEdit]:
    """The edits of the live generation that could not be carried and that nobody settled yet."""
    rows = list(_lost(version).order_by("changed_at")[:100])
    if not rows:
        return []
    chunks = list(live_chunks(version))
    places = Places([draft_of(chunk) for chunk in chunks])
    return [_lost_edit(row, chunks, places) for row in rows]


def lost_edit(version: DocumentVersion, patch_id: UUID) -> LostEdit | None:
    """One of :func:`lost_edits`."""
    return next((each for each in lost_edits(version) if each.id == patch_id), None)


def edit_history(version: DocumentVersion, patch_ids: Sequence[UUID] | None = None) -> QuerySet[ChunkEdit]:
    """Who changed what, newest first; only around the given patches, if any are given."""
    rows = ChunkEdit.objects.filter(version=version).order_by("-created_at")
    return rows if patch_ids is None else rows.filter(patch_id__in=patch_ids)


def chunk_history(chunk: Chunk) -> QuerySet[ChunkEdit]:
    """The changes of the place where this chunk stands, newest first: those that name it, and what belongs to them."""
    named: list[dict[str, Any]] = [{"id": str(chunk.id)}]
    rows = ChunkEdit.objects.filter(version_id=chunk.version_id)
    mine = rows.filter(Q(before__contains=named) | Q(after__contains=named)).values("patch_id")
    return rows.filter(Q(patch_id__in=mine) | Q(patch_id=chunk.patch_id)).order_by("-created_at")


def parsed_texts(chunk: Chunk) -> list[str]:
    """What was parsed where this chunk stands now: one text, or several that a person merged."""
    patch = ChunkPatch.objects.filter(id=chunk.patch_id).first() if chunk.patch_id else None
    return [values["text"] for values in patch.originals] if patch else [chunk.text]


def _lost(version: DocumentVersion) -> QuerySet[ChunkPatch]:
    return ChunkPatch.objects.filter(version=version, index__state=IndexState.LIVE, state=PatchState.LOST)


def _lost_edit(row: ChunkPatch, chunks: Sequence[Chunk], places: Places) -> LostEdit:
    originals = [draft_from_dict(values) for values in row.originals]
    results = [draft_from_dict(values) for values in row.results]
    run = places.find(originals)
    return LostEdit(
        id=row.id,
        reason=row.reason,
        author=row.author,
        at=row.changed_at,
        before="\n".join(draft.text for draft in originals),
        after="\n\n".join(draft.text for draft in results),
        disabled=any(not draft.enabled for draft in results),
        page=originals[0].page,
        locator=originals[0].locator,
        heading_path=originals[0].heading_path,
        near=chunks[run.first].id if run else None,
    )
