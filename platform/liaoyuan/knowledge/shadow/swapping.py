"""The moment at which searches read another generation, and the end of one that nobody needs any more."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from liaoyuan.accounts.services import audit_record
from liaoyuan.knowledge.indexes import index_drop, index_swap, live_index
from liaoyuan.knowledge.models import Chunk, Collection, DocumentVersion, SearchIndex
from liaoyuan.knowledge.services.catching_up import edits_catch_up
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.pending import indexed_versions, pending, source_of
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.storage import storage


def swap_if_complete(index_id: UUID) -> bool:
    """Swap the generation in, unless versions came or changed since it was built: then False, and nothing happened.

    Inside the tenant context; searches read the new generation from the commit on. Raises NotFound, IndexNotReady.
    """
    found = SearchIndex.objects.get(id=index_id)
    # Whoever indexes a document holds this row shared while it writes: nothing arrives between the look and the swap.
    Collection.objects.select_for_update(no_key=True).get(id=found.collection_id)
    if pending(found):
        return False
    edits_catch_up(index_id)
    _remember(live_index(found.collection_id))
    swapped = index_swap(index_id)
    _describe(index_id)
    _settle(swapped)
    detail = {"index": str(swapped.id), "number": swapped.number, "embedder": swapped.embedder}
    audit_record(action="index.swap", object_kind="collection", object_id=found.collection_id, detail=detail)
    return True


def generation_remove(index_id: UUID) -> int:
    """Free the generation: chunks, vectors, its own readings. How many chunks went. Raises NotFound, IndexBusy."""
    found = SearchIndex.objects.filter(id=index_id).first()
    keys = set(IndexEntry.objects.filter(index_id=index_id).values_list("blocks_key", flat=True))
    edges = list(Chunk.objects.filter(index_id=index_id).values_list("id", flat=True))
    count = index_drop(index_id)
    Lineage.objects.filter(child_kind="chunk", child_id__in=edges).delete()
    if found is not None:
        detail = {"index": str(index_id), "number": found.number, "chunks": count}
        audit_record(action="index.drop", object_kind="collection", object_id=found.collection_id, detail=detail)
    folders = [key.removesuffix("/blocks.jsonl") for key in keys - _needed(keys) if "/generations/" in key]
    # Not before it is sure that the rows are gone.
    transaction.on_commit(lambda: _readings_delete(folders))
    return count


def _readings_delete(folders: Sequence[str]) -> None:
    for folder in folders:
        storage().delete(folder)


def _remember(live: SearchIndex) -> None:
    """What stands in the generation that retires, so that going back finds what it lacks by then."""
    chunks: dict[UUID, int] = {}
    for version_id in Chunk.objects.filter(index=live).values_list("version_id", flat=True):
        chunks[version_id] = chunks.get(version_id, 0) + 1
    entries = [
        IndexEntry(
            organization_id=version.organization_id,
            index=live,
            document_version=version,
            source=source_of(version),
            blocks_key=version.blocks_key,
            chunks=chunks.get(version.id, 0),
            pages=version.pages,
            blocks=version.blocks,
            flags=version.flags,
            parser=version.parser,
            chunker=version.chunker,
        )
        for version in indexed_versions(live.collection_id)
    ]
    IndexEntry.objects.filter(index=live).delete()
    IndexEntry.objects.bulk_create(entries, batch_size=1000)


def _describe(index_id: UUID) -> None:
    """What the versions say of themselves is what stands in the generation: its reading and its counts."""
    entry = IndexEntry.objects.filter(index_id=index_id, document_version=OuterRef("id"))
    columns = {"blocks_key": "blocks_key", "pages": "pages", "blocks": "blocks", "flags": "flags"}
    columns |= {"chunk_count": "chunks", "parser": "parser", "chunker": "chunker"}
    built = IndexEntry.objects.filter(index_id=index_id).values("document_version_id")
    values = {name: Subquery(entry.values(source)[:1]) for name, source in columns.items()}
    DocumentVersion.objects.filter(id__in=built).update(**values)


def _settle(index: SearchIndex) -> None:
    """The collection's settings say what its live index was built by; how it is searched stays."""
    collection = Collection.objects.get(id=index.collection_id)
    settings = settings_of(collection.settings).model_dump(mode="json")
    collection.settings = settings | settings_of(index.settings | {"embedder": index.embedder}).index
    collection.save(update_fields=["settings"])


def _needed(keys: set[str]) -> set[str]:
    """Readings that a version or another generation still points to."""
    versions = DocumentVersion.objects.filter(blocks_key__in=keys).values_list("blocks_key", flat=True)
    return {*versions, *IndexEntry.objects.filter(blocks_key__in=keys).values_list("blocks_key", flat=True)}
