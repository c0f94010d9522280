"""From parsed blocks to chunks that can be found: chunk, embed, write in one go, publish, register with lineage."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder
from liaoyuan.knowledge.anchors import content_anchor
from liaoyuan.knowledge.chunking import ChunkDraft, chunk_document
from liaoyuan.knowledge.errors import EmbeddingMismatch
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, DocumentVersion, SearchIndex, VersionState
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.text.segment import index_terms
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
# COPY cannot write into a table under row-level security, so it fills a temporary one; the INSERT then passes the
# policy.
_TEMPORARY = """
CREATE TEMPORARY TABLE chunk_batch (
    id uuid, ordinal int, sub_ordinal int, patch_id uuid, kind text, heading_path text[], locator text, text text,
    page int, box float8[], spans jsonb, term_count int, terms text[], embedding halfvec, enabled bool, origin text,
    anchor text
) ON COMMIT DROP
"""
_COPY = (
    "COPY chunk_batch (id, ordinal, sub_ordinal, patch_id, kind, heading_path, locator, text, page, box, spans, "
    "term_count, terms, embedding, enabled, origin, anchor) FROM STDIN"
)
_INSERT = f"""
INSERT INTO knowledge_chunk ({_COLUMNS})
SELECT id, %(organization)s, now(), %(collection)s, %(index)s, %(version)s, ordinal, sub_ordinal, patch_id, kind,
%(title)s, heading_path, locator, text, page, box, spans, term_count, array_to_tsvector(terms), embedding, enabled,
origin, anchor, %(groups)s::varchar[], %(from)s, %(to)s
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
    """Chunk, embed and publish a received version. The embedding happens outside of any transaction."""
    engine = engine or embedder()
    with tenant_context(organization_id, user_id):
        version = DocumentVersion.objects.select_related("document").get(id=version_id)
    title = display_name(version.document.name, parsed.title)
    drafts = chunk_document(title, parsed.blocks, engine.count_tokens)
    vectors = _embed(title, drafts, engine, progress)
    stored = _store_blocks(organization_id, version_id, parsed)
    with tenant_context(organization_id, user_id):
        # Two imports of the same document must not both believe that they are the newest.
        version = DocumentVersion.objects.select_for_update().select_related("document").get(id=version_id)
        _describe(version, title, parsed, len(drafts), stored)
        _publish(version)
        index = live_index(version.document.collection_id)
        version.chunks.filter(index=index).delete()
        chunks_write(version, title, drafts, vectors, index=index)
        _register(version, index, stored, run_id)
    return Indexed(len(drafts), len(parsed.blocks), len(parsed.pages))


def _embed(title: str, drafts: Sequence[ChunkDraft], engine: Embedder, progress: Progress | None) -> list[Vectors]:
    texts = [f"{draft.context(title)}\n{draft.text}" for draft in drafts]
    rows: list[Vectors] = []
    for start in range(0, len(texts), _EMBED_AT_ONCE):
        rows.extend(engine.embed(texts[start : start + _EMBED_AT_ONCE], "passage"))
        if progress:
            progress(len(rows) / len(texts))
    return rows


def _store_blocks(organization_id: UUID, version_id: UUID, parsed: ParsedDocument) -> StoredFile:
    """``blocks.jsonl`` (one block a line, numbered) for whoever reads the artifact, ``parsed.json`` for ourselves."""
    key = storage_key(organization_id, DOCUMENTS, version_id, "blocks.jsonl")
    with tempfile.TemporaryDirectory(prefix="liaoyuan-blocks-") as folder:
        lines = Path(folder) / "blocks.jsonl"
        with lines.open("w", encoding="utf-8") as stream:
            for number, block in enumerate(parsed.blocks):
                stream.write(json.dumps({"block": number} | block.as_dict(), ensure_ascii=False) + "\n")
        whole = Path(folder) / "parsed.json"
        whole.write_text(parsed.to_json(), encoding="utf-8")
        storage().put(storage_key(organization_id, DOCUMENTS, version_id, "parsed.json"), whole)
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


def _publish(version: DocumentVersion) -> None:
    """Find the version's place among its siblings by effective day; the one in force before ends where this begins."""
    siblings = DocumentVersion.objects.filter(
        document=version.document, state__in=[VersionState.IN_FORCE, VersionState.SUPERSEDED]
    ).exclude(id=version.id)
    today = timezone.localdate()
    if version.effective_from is None and siblings.exists():
        version.effective_from = today
    begin = version.effective_from or date.min
    later = siblings.filter(effective_from__gt=begin).order_by("effective_from").first()
    version.effective_to = later.effective_from if later else None
    superseded = later is not None and later.effective_from is not None and later.effective_from <= today
    version.state = VersionState.SUPERSEDED if superseded else VersionState.IN_FORCE
    version.save()
    earlier = siblings.filter(Q(effective_from__isnull=True) | Q(effective_from__lte=begin)).filter(
        Q(effective_to__isnull=True) | Q(effective_to__gt=begin)
    )
    for old in earlier:
        _supersede(old, begin, today)


def _supersede(old: DocumentVersion, day: date, today: date) -> None:
    old.effective_to = day
    if day <= today:
        old.state = VersionState.SUPERSEDED
    old.save(update_fields=["effective_to", "state"])
    Chunk.objects.filter(version=old).update(effective_to=day)


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
        "from": version.effective_from,
        "to": version.effective_to,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS chunk_batch")
        cursor.execute(_TEMPORARY)
        with cursor.copy(_COPY) as copy:
            for row in _rows(title, drafts, vectors):
                copy.write_row(row)
        cursor.execute(_INSERT, parameters)
        cursor.execute("DROP TABLE chunk_batch")


def _rows(title: str, drafts: Sequence[ChunkDraft], vectors: Sequence[Vectors]) -> Iterator[tuple[Any, ...]]:
    for place, (draft, vector) in enumerate(zip(drafts, vectors, strict=True)):
        terms = index_terms(f"{title} {' '.join(draft.heading_path)} {draft.text}")
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
            json.dumps([[span.start, span.end, span.block, span.block_start] for span in draft.spans]),
            len(terms),
            sorted(set(terms)),
            "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]",
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
