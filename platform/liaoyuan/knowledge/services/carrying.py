"""Edits outlive what they were made on: a new parse, a new version, a new generation of the index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from liaoyuan.accounts.services import audit_record
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.edits.models import ChunkPatch, PatchState
from liaoyuan.knowledge.edits.patches import Lost, Patch, carry, draft_as_dict, draft_from_dict
from liaoyuan.knowledge.models import Chunk, DocumentVersion, IndexState

# What was seen of the source: which patches there were, and as of when.
Seen = frozenset[tuple[UUID, datetime]]
OPEN = (PatchState.STANDING, PatchState.LOST)


@dataclass(frozen=True, slots=True)
class Carrying:
    """``drafts`` are what is to be embedded and written; the rest is for :func:`edits_record`."""

    index_id: UUID
    drafts: Sequence[ChunkDraft]
    seen: Seen = frozenset()
    kept: Sequence[tuple[ChunkPatch, Patch]] = field(default_factory=tuple)
    lost: Sequence[tuple[ChunkPatch, Lost]] = field(default_factory=tuple)


def edits_carry(
    version: DocumentVersion,
    drafts: Sequence[ChunkDraft],
    *,
    index_id: UUID,
    fits: Callable[[ChunkDraft], bool] = lambda _draft: True,
) -> Carrying:
    """Put the edits that count for ``version`` onto newly cut ``drafts`` of it. Reads only; inside the tenant context.

    They are the version's own in that generation, else those in the live one, else those of the version before it.
    ``fits`` says whether the generation's embedding model reads a chunk whole.
    """
    rows = _source(version, index_id)
    if not rows:
        return Carrying(index_id, drafts)
    by_id = {row.id: row for row in rows}
    found = carry([patch_of(row) for row in rows], drafts, fits=fits)
    return Carrying(
        index_id=index_id,
        drafts=found.drafts,
        seen=_seen(rows),
        kept=[(by_id[old.id], new) for old, new in found.kept],
        lost=[(by_id[old.id], why) for old, why in found.lost],
    )


def edits_stale(version: DocumentVersion, carried: Carrying) -> bool:
    """Whether somebody edited since ``carried`` was made: then carry again. Ask with the version's row locked."""
    return _seen(_source(version, carried.index_id)) != carried.seen


def edits_record(version: DocumentVersion, carried: Carrying) -> None:
    """Store what was carried and what was lost, in the transaction that writes ``carried.drafts``."""
    rows = [_kept(version, carried.index_id, old, new) for old, new in carried.kept]
    rows += [_lost(version, carried.index_id, old, why) for old, why in carried.lost]
    ChunkPatch.objects.filter(version=version, index_id=carried.index_id, state__in=OPEN).delete()
    ChunkPatch.objects.bulk_create(rows)
    if rows:
        detail = {"kept": len(carried.kept), "lost": len(carried.lost), "index": str(carried.index_id)}
        audit_record(action="chunk.carry", object_kind="document_version", object_id=version.id, detail=detail)


def room_of(engine: Embedder, title: str, draft: ChunkDraft) -> int:
    """How many tokens a text may have beside its title and headings."""
    return engine.token_limit - engine.count_tokens(draft.context(title))


def fits(engine: Embedder, title: str) -> Callable[[ChunkDraft], bool]:
    """Whether the engine reads a chunk whole, its title and headings included."""
    return lambda draft: engine.count_tokens(draft.text) <= room_of(engine, title, draft)


def patch_of(row: ChunkPatch) -> Patch:
    """The patch that ``row`` stores."""
    originals = tuple(draft_from_dict(values) for values in row.originals)
    return Patch(row.id, originals, tuple(draft_from_dict(values) for values in row.results))


def open_patches(version: DocumentVersion, index_id: UUID) -> list[ChunkPatch]:
    """The edits of a version in one generation that stand or are lost, in reading order."""
    rows = ChunkPatch.objects.filter(version=version, index_id=index_id, state__in=OPEN)
    return sorted(rows, key=lambda row: (row.originals[0]["ordinal"] or 0, row.changed_at))


def _source(version: DocumentVersion, index_id: UUID) -> list[ChunkPatch]:
    own = Chunk.objects.filter(version=version)
    if own.filter(index_id=index_id).exists():
        return open_patches(version, index_id)
    live = own.filter(index__state=IndexState.LIVE).values_list("index_id", flat=True).first()
    if live is not None:
        return open_patches(version, live)
    return _earlier(version, index_id)


def _earlier(version: DocumentVersion, index_id: UUID) -> list[ChunkPatch]:
    """The edits of the nearest version before this one, in the same generation or else the live one."""
    if version.number == 1:
        return []
    before = Chunk.objects.filter(version__document_id=version.document_id, version__number__lt=version.number)
    before = before.filter(Q(index_id=index_id) | Q(index__state=IndexState.LIVE)).order_by("-version__number")
    nearest = before.select_related("version").only("version", "index_id").first()
    return open_patches(nearest.version, nearest.index_id) if nearest else []


def _seen(rows: Sequence[ChunkPatch]) -> Seen:
    return frozenset((row.id, row.changed_at) for row in rows)


def _kept(version: DocumentVersion, index_id: UUID, old: ChunkPatch, new: Patch) -> ChunkPatch:
    return ChunkPatch(
        id=new.id,
        organization_id=version.organization_id,
        version=version,
        index_id=index_id,
        originals=[draft_as_dict(draft) for draft in new.originals],
        results=[draft_as_dict(draft) for draft in new.results],
        state=PatchState.STANDING,
        source=old.id,
        source_changed_at=old.changed_at,
        author_id=old.author_id,
        author=old.author,
        changed_at=old.changed_at,
    )


def _lost(version: DocumentVersion, index_id: UUID, old: ChunkPatch, why: Lost) -> ChunkPatch:
    return ChunkPatch(
        organization_id=version.organization_id,
        version=version,
        index_id=index_id,
        originals=old.originals,
        results=old.results,
        state=PatchState.LOST,
        reason=why.value,
        source=old.id,
        source_changed_at=old.changed_at,
        author_id=old.author_id,
        author=old.author,
        changed_at=old.changed_at,
    )
