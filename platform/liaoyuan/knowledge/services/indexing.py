"""From parsed blocks to chunks that can be found: chunk, embed, write in one go, publish, register with lineage."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from pgvector import HalfVector

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder_for
from liaoyuan.knowledge.anchors import content_anchor
from liaoyuan.knowledge.chunking import ChunkDraft, chunk_document, token_limit
from liaoyuan.knowledge.errors import EmbeddingMismatch
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import graph_ensure, live_index, live_index_held
from liaoyuan.knowledge.models import DocumentVersion, SearchIndex
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.search import tenant_cursor
from liaoyuan.knowledge.services.carrying import Carrying, edits_carry, edits_record, edits_stale, fits
from liaoyuan.knowledge.services.publishing import version_publish
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.knowledge.text.segment import index_terms, terms_ahead
from liaoyuan.pipeline.contract import NewArtifact, Parent
from liaoyuan.pipeline.files import StoredFile
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.services import artifact_register
from liaoyuan.pipeline.storage import file_sha256, storage, storage_key

Progress = Callable[[float], None]
_EMBED_AT_ONCE = 64
_COLUMNS = (
    "id, organization_id, created_at, collection_id, index_id, version_id, ordinal, sub_ordinal, patch_id, kind, "
    "title, heading_path, locator, text, page, box, spans, term_count, terms, embedding, enabled, origin, anchor, "
    "groups, effective_from, effective_to"
)
_BATCH = {
    "id": "uuid",
    "ordinal": "int4",
    "sub_ordinal": "int4",
    "patch_id": "uuid",
    "kind": "text",
    "heading_path": "text[]",
    "locator": "text",
    "text": "text",
    "page": "int4",
    "box": "float8[]",
    "spans": "jsonb",
    "term_count": "int4",
    "terms": "text",
    "embedding": "halfvec",
    "enabled": "bool",
    "origin": "text",
    "anchor": "text",
}
# COPY cannot write into a table under row-level security, so it fills a temporary one; the INSERT then passes the
# policy.
_TEMPORARY = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS chunk_batch ({", ".join(f"{name} {kind}" for name, kind in _BATCH.items())})
ON COMMIT DELETE ROWS
"""
_COPY = f"COPY chunk_batch ({', '.join(_BATCH)}) FROM STDIN (FORMAT binary)"
# Between terms, which are letters, digits and few marks: a list would be written element by element.
_BETWEEN = "\x1f"
_INSERT = f"""
INSERT INTO knowledge_chunk ({_COLUMNS})
SELECT id, %(organization)s, now(), %(collection)s, %(index)s, %(version)s, ordinal, sub_ordinal, patch_id, kind,
%(title)s, heading_path, locator, text, page, box, spans, term_count,
array_to_tsvector(string_to_array(terms, E'\\x1f')), embedding, enabled, origin, anchor,
%(groups)s::varchar[], %(from)s::date, %(to)s::date
FROM chunk_batch
"""  # noqa: S608 - only constants of this module are joined


@dataclass(frozen=True, slots=True)
class Indexed:
    """What one version became."""

    chunks: int
    blocks: int
    pages: int


def document_index(
    *,
    organization_id: UUID,
    version_id: UUID,
    parsed: ParsedDocument,
    user_id: UUID | None = None,
    run_id: UUID | None = None,
    engine: Embedder | None = None,
    progress: Progress | None = None,
) -> Indexed:
    """Chunk, embed and publish a received version. The embedding happens outside of any transaction.

    Where the live generation was swapped or somebody edited the version's chunks meanwhile, it is done over.
    """
    stored = None
    while True:
        cut = _cut(organization_id, version_id, parsed, user_id, engine)
        vectors = _embed(cut.title, cut.carried.drafts, cut.engine, progress)
        stored = stored or blocks_store(storage_key(organization_id, DOCUMENTS, version_id, "blocks.jsonl"), parsed)
        with tenant_context(organization_id, user_id):
            # Two imports of the same document must not both believe that they are the newest.
            version = DocumentVersion.objects.select_for_update().select_related("document").get(id=version_id)
            index = live_index_held(version.document.collection_id)
            if index.id != cut.carried.index_id or edits_stale(version, cut.carried):
                continue
            _describe(version, cut.title, parsed, len(vectors), stored)
            version_publish(version)
            version.chunks.filter(index=index).delete()
            chunks_write(version, cut.title, cut.carried.drafts, vectors, index=index)
            edits_record(version, cut.carried)
            _register(version, index, stored, run_id)
        with tenant_context(organization_id, user_id):
            graph_ensure(index.id)
        return Indexed(len(vectors), len(parsed.blocks), len(parsed.pages))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A version's chunks for the live generation, people's edits in place, and what embeds them."""

    title: str
    engine: Embedder
    carried: Carrying


def _cut(
    organization_id: UUID, version_id: UUID, parsed: ParsedDocument, user_id: UUID | None, engine: Embedder | None
) -> _Cut:
    with tenant_context(organization_id, user_id):
        version = DocumentVersion.objects.select_related("document").get(id=version_id)
        index = live_index(version.document.collection_id)
        engine = engine or embedder_for(index.embedder)
        title = display_name(version.document.name, parsed.title)
        chunking = settings_of(index.settings).chunking
        limit = token_limit(chunking.limit, engine.token_limit)
        drafts = chunk_document(title, parsed.blocks, engine.count_tokens, target=chunking.target, limit=limit)
        return _Cut(title, engine, edits_carry(version, drafts, index_id=index.id, fits=fits(engine, title)))


def _embed(title: str, drafts: Sequence[ChunkDraft], engine: Embedder, progress: Progress | None) -> list[Vectors]:
    texts = [f"{draft.context(title)}\n{draft.text}" for draft in drafts]
    rows: list[Vectors] = []
    with terms_ahead(_found_by(title, draft) for draft in drafts):
        for start in range(0, len(texts), _EMBED_AT_ONCE):
            rows.extend(engine.embed(texts[start : start + _EMBED_AT_ONCE], "passage"))
            if progress:
                progress(len(rows) / len(texts))
    return rows


def _found_by(title: str, draft: ChunkDraft) -> str:
    """The words that a chunk is found by."""
    return f"{title} {' '.join(draft.heading_path)} {draft.text}"


def blocks_store(key: str, parsed: ParsedDocument) -> StoredFile:
    """``blocks.jsonl`` at ``key`` (one block a line, numbered) for whoever reads the artifact, and beside it
    ``parsed.json`` for ourselves."""
    with tempfile.TemporaryDirectory(prefix="liaoyuan-blocks-") as folder:
        lines, whole = Path(folder) / "blocks.jsonl", Path(folder) / "parsed.json"
        with lines.open("w", encoding="utf-8") as stream:
            for number, block in enumerate(parsed.blocks):
                stream.write(json.dumps({"block": number} | block.as_dict(), ensure_ascii=False) + "\n")
        whole.write_text(parsed.to_json(), encoding="utf-8")
        storage().put(key.removesuffix("blocks.jsonl") + "parsed.json", whole)
        storage().put(key, lines)
        return StoredFile(uri=key, sha256=file_sha256(lines), size=lines.stat().st_size)


def _describe(version: DocumentVersion, title: str, parsed: ParsedDocument, chunks: int, stored: StoredFile) -> None:
    version.title = title
    version.media_type = parsed.media_type
    version.flags = sorted(parsed.flags)
    version.pages, version.blocks, version.chunk_count = len(parsed.pages), len(parsed.blocks), chunks
    version.blocks_key = stored.uri
    version.error = {}
    version.indexed_at = timezone.now()


def chunks_write(
    version: DocumentVersion,
    title: str,
    drafts: Sequence[ChunkDraft],
    vectors: Sequence[Vectors],
    *,
    index: SearchIndex | None = None,
) -> None:
    """Write a version's chunks into ``index`` (default: the live generation) in one COPY, inside the tenant context.

    ``vectors`` have the index's number of dimensions each. Raises EmbeddingMismatch.
    """
    index = index or live_index(version.document.collection_id)
    if strange := next((len(vector) for vector in vectors if len(vector) != index.dimensions), 0):
        raise EmbeddingMismatch(got=strange, wanted=index.dimensions)
    parameters: dict[str, Any] = {
        "organization": version.organization_id,
        "collection": version.document.collection_id,
        "index": index.id,
        "version": version.id,
        "title": title,
        "groups": list(version.groups),
        "from": version.days[0],
        "to": version.days[1],
    }
    with tenant_cursor() as cursor:
        cursor.execute(_TEMPORARY)
        with cursor.copy(_COPY) as copy:
            copy.set_types(list(_BATCH.values()))
            for row in _rows(title, drafts, vectors):
                copy.write_row(row)
        cursor.execute(_INSERT, parameters)
        cursor.execute("DELETE FROM chunk_batch")


def _rows(title: str, drafts: Sequence[ChunkDraft], vectors: Sequence[Vectors]) -> Iterator[tuple[Any, ...]]:
    for place, (draft, vector) in enumerate(zip(drafts, vectors, strict=True)):
        terms = index_terms(_found_by(title, draft))
        yield (
            draft.id or uuid4(),
            place if draft.ordinal is None else draft.ordinal,
            draft.sub_ordinal,
            draft.patch_id,
            draft.kind,
            list(draft.heading_path),
            draft.locator[:120],
            draft.text.replace("\x00", " "),
            draft.page,
            list(draft.box) if draft.box else None,
            [[span.start, span.end, span.block, span.block_start] for span in draft.spans],
            len(terms),
            _BETWEEN.join(set(terms)),
            HalfVector(vector),
            draft.enabled,
            draft.origin,
            content_anchor(draft.text, draft.heading_path),
        )


def _register(version: DocumentVersion, index: SearchIndex, stored: StoredFile, run_id: UUID | None) -> None:
    meta = {
        "title": version.title,
        "file_name": version.file_name,
        "document_id": version.document_id,
        "collection_id": version.document.collection_id,
        "version": version.number,
        "groups": version.groups,
        "blocks": version.blocks,
        "pages": version.pages,
        "format": "blocks.jsonl",
    }
    item = NewArtifact(
        kind="document_version",
        name=f"{version.title} @{version.label}",
        parents=(Parent("document", version.document_id, "version_of"),),
        id=version.id,
        meta=meta,
    )
    artifact_register(item=item, run_id=run_id, stored=stored)
    chunks_trace(version, index)


def chunks_trace(version: DocumentVersion, index: SearchIndex) -> None:
    """Lineage from a version to its chunks in one generation."""
    edges = [
        Lineage(
            organization_id=version.organization_id,
            parent_kind="document_version",
            parent_id=version.id,
            child_kind="chunk",
            child_id=chunk_id,
            relation="chunk_of",
        )
        for chunk_id in version.chunks.filter(index=index).values_list("id", flat=True)
    ]
    Lineage.objects.bulk_create(edges, ignore_conflicts=True, batch_size=1000)
