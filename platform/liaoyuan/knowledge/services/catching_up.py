"""A generation that was built beside the live one takes over what was edited meanwhile, before it is swapped in."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import Embedder, embedder_for
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.edits.groups import ORDER, draft_of
from liaoyuan.knowledge.edits.models import ChunkPatch, PatchState
from liaoyuan.knowledge.edits.patches import carry
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, DocumentVersion, SearchIndex
from liaoyuan.knowledge.services.carrying import Carrying, edits_record, fits, open_patches, patch_of
from liaoyuan.knowledge.services.embedding import embedded, vectors_known
from liaoyuan.knowledge.services.indexing import chunks_write


def edits_catch_up(index_id: UUID, engine: Embedder | None = None) -> int:
    """Bring edits made in the live generation since ``index_id`` was built over to it; how many versions changed.

    Inside the tenant context, in the transaction of the swap or right before it; each version is locked against
    editors until that transaction ends. Only changed chunks are embedded. Raises NotFound.
    """
    index = SearchIndex.objects.filter(id=index_id).first()
    if index is None:
        raise NotFound
    live = live_index(index.collection_id)
    if live.id == index.id:
        return 0
    edited = ChunkPatch.objects.filter(index_id__in=[live.id, index.id]).values("version_id")
    changed = 0
    for version in DocumentVersion.objects.select_for_update(of=("self",)).filter(id__in=edited).order_by("id"):
        changed += _catch_up(version, live, index, engine)
    return changed


def edits_lost(index_id: UUID) -> int:
    """How many edits could not be carried into a generation and wait for a person."""
    return ChunkPatch.objects.filter(index_id=index_id, state=PatchState.LOST).count()


def parsed_drafts(version: DocumentVersion, index_id: UUID) -> list[ChunkDraft]:
    """A version's chunks in one generation as they were parsed, before anybody edited them."""
    rows = Chunk.objects.filter(version=version, index_id=index_id).order_by(*ORDER)
    untouched = [replace(draft_of(row), id=None) for row in rows if row.patch_id is None]
    standing = [row for row in open_patches(version, index_id) if row.state == PatchState.STANDING]
    replaced = [draft for row in standing for draft in patch_of(row).originals]
    return sorted([*untouched, *replaced], key=lambda draft: draft.ordinal or 0)


def _catch_up(version: DocumentVersion, live: SearchIndex, index: SearchIndex, engine: Embedder | None) -> bool:
    if not Chunk.objects.filter(version=version, index=index).exists():
        return False
    wanted = open_patches(version, live.id)
    have = {(row.source, row.source_changed_at) for row in open_patches(version, index.id)}
    if have == {(row.id, row.changed_at) for row in wanted}:
        return False
    engine = engine or embedder_for(index.embedder)
    title = Chunk.objects.filter(version=version, index=index).values_list("title", flat=True)[0]
    by_id = {row.id: row for row in wanted}
    found = carry([patch_of(row) for row in wanted], parsed_drafts(version, index.id), fits=fits(engine, title))
    _write(version, index, title, found.drafts, engine)
    kept = [(by_id[old.id], new) for old, new in found.kept]
    lost = [(by_id[old.id], why) for old, why in found.lost]
    edits_record(version, Carrying(index.id, found.drafts, kept=kept, lost=lost))
    return True


def _write(
    version: DocumentVersion, index: SearchIndex, title: str, drafts: Sequence[ChunkDraft], engine: Embedder
) -> None:
    vectors = embedded(engine, title, drafts, vectors_known(version.id, index.id))
    Chunk.objects.filter(version=version, index=index).delete()
    chunks_write(version, title, drafts, vectors, index=index)
