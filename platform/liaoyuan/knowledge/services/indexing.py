"""From parsed blocks to chunks that can be found: chunk, embed, write in one go, publish, register with lineage."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge import columns
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder_for
from liaoyuan.knowledge.anchors import content_anchor
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.errors import EmbeddingMismatch
from liaoyuan.knowledge.indexes import graph_ensure, live_index, live_index_held
from liaoyuan.knowledge.models import DocumentVersion, SearchIndex
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.rules import CUTTING, reading_rules
from liaoyuan.knowledge.search import Cursor, tenant_cursor
from liaoyuan.knowledge.services.ahead import document_cut
from liaoyuan.knowledge.services.carrying import Carrying, edits_carry, edits_record, edits_stale, fits
from liaoyuan.knowledge.services.embedding import embedded, vectors_known
from liaoyuan.knowledge.services.publishing import version_publish
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.settings import settings_of
from liaoyuan.knowledge.statements import text_array
from liaoyuan.knowledge.text.segment import index_terms, terms_ahead
from liaoyuan.pipeline.contract import NewArtifact, Parent
from liaoyuan.pipeline.files import StoredFile
from liaoyuan.pipeline.services import artifact_register
from liaoyuan.pipeline.storage import file_sha256, storage, storage_key

Progress = Callable[[float], None]
_COLUMNS = (
    "id, organization_id, created_at, collection_id, index_id, version_id, ordinal, sub_ordinal, patch_id, kind, "
    "title, heading_path, locator, text, page, box, spans, term_count, terms, embedding, enabled, origin, anchor, "
    "groups, effective_from, effective_to"
)
# A version in one statement: the triggers on the chunks work once, and nothing is written twice on the way. COPY cannot
# write into a table under row-level security.
_BATCH = {
    "id": "uuid",
    "ordinal": "int4",
    "sub_ordinal": "int4",
    "patch_id": "uuid",
    "kind": "text",
    "heading_path": "text",
    "locator": "text",
    "text": "text",
    "page": "int4",
    "box": "text",
    "spans": "text",
    "term_count": "int4",
    "terms": "tsvector",
    "embedding": "halfvec",
    "enabled": "bool",
    "origin": "text",
    "anchor": "text",
}
_INSERT = f"""
INSERT INTO knowledge_chunk ({_COLUMNS})
SELECT id, %(organization)s, now(), %(collection)s, %(index)s, %(version)s, ordinal, sub_ordinal, patch_id, kind,
%(title)s, heading_path::text[], locator, text, page, box::float8[], spans::jsonb, term_count, terms, embedding,
enabled, origin, anchor, %(groups)s::varchar[], %(from)s::date, %(to)s::date
FROM unnest({", ".join(f"%(all_{name})s::{kind}[]" for name, kind in _BATCH.items())}) AS batch({", ".join(_BATCH)})
"""  # noqa: S608 - only constants of this module are joined
_TRACE = """
INSERT INTO pipeline_lineage (id, organization_id, created_at, parent_kind, parent_id, child_kind, child_id, relation)
SELECT gen_random_uuid(), organization_id, now(), 'document_version', version_id, 'chunk', id, 'chunk_of'
FROM knowledge_chunk WHERE organization_id = %(organization)s AND index_id = %(index)s AND version_id = %(version)s
ON CONFLICT DO NOTHING
"""


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
    more: bool = False,
    anew: bool = False,
) -> Indexed:
    """Chunk, embed and publish a received version. The embedding happens outside of any transaction. Where ``more``
    follow at once, the graph waits longer for them.

    Where the live generation was swapped or somebody edited the version's chunks meanwhile, it is done over. ``anew``:
    it stands in the index already, and is found as it was until this has ended. Its earlier reading stays where it is
    while anything rests on it (artifacts do), and chunks whose words stayed keep their vectors.
    """
    stored = None
    names = ("readings", str(uuid4()), "blocks.jsonl") if anew else ("blocks.jsonl",)
    key = storage_key(organization_id, DOCUMENTS, version_id, *names)
    while True:
        cut = _cut(organization_id, version_id, parsed, user_id, engine, anew=anew)
        vectors = _embed(cut, progress)
        stored = stored or blocks_store(key, parsed)
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
            graph_ensure(index.id, meanwhile=more)
        return Indexed(len(vectors), len(parsed.blocks), len(parsed.pages))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A version's chunks for the live generation, people's edits in place, and what embeds them."""

    title: str
    engine: Embedder
    carried: Carrying
    known: Mapping[str, Vectors]


def _cut(
    organization_id: UUID,
    version_id: UUID,
    parsed: ParsedDocument,
    user_id: UUID | None,
    engine: Embedder | None,
    *,
    anew: bool,
) -> _Cut:
    with tenant_context(organization_id, user_id):
        version = DocumentVersion.objects.select_related("document").get(id=version_id)
        index = live_index(version.document.collection_id)
        engine = engine or embedder_for(index.embedder)
        title, drafts = document_cut(version.document.name, parsed, settings_of(index.settings).chunking, engine)
        carried = edits_carry(version, drafts, index_id=index.id, fits=fits(engine, title))
        return _Cut(title, engine, carried, vectors_known(version_id, index.id) if anew else {})


def _embed(cut: _Cut, progress: Progress | None) -> list[Vectors]:
    with terms_ahead(found_by(cut.title, draft) for draft in cut.carried.drafts):
        return embedded(cut.engine, cut.title, cut.carried.drafts, cut.known, progress)


def found_by(title: str, draft: ChunkDraft) -> str:
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
    version.parser, version.chunker = reading_rules(parsed.media_type), CUTTING
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
    """Write a version's chunks into ``index`` (default: the live generation), inside the tenant context.

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
        parameters |= {f"all_{name}": column for name, column in _columns(cursor, title, drafts, vectors).items()}
        cursor.execute(_INSERT, parameters)


def _columns(
    cursor: Cursor, title: str, drafts: Sequence[ChunkDraft], vectors: Sequence[Vectors]
) -> dict[str, columns.Column]:
    terms = [index_terms(found_by(title, draft)) for draft in drafts]
    halfvec = cursor.adapters.types["halfvec"].oid
    return {
        "id": columns.uuids([draft.id or uuid4() for draft in drafts]),
        "ordinal": columns.integers(
            [place if draft.ordinal is None else draft.ordinal for place, draft in enumerate(drafts)]
        ),
        "sub_ordinal": columns.integers([draft.sub_ordinal for draft in drafts]),
        "patch_id": columns.uuids([draft.patch_id for draft in drafts]),
        "kind": columns.texts([draft.kind for draft in drafts]),
        "heading_path": columns.texts([text_array(draft.heading_path) for draft in drafts]),
        "locator": columns.texts([draft.locator[:120] for draft in drafts]),
        "text": columns.texts([draft.text.replace("\x00", " ") for draft in drafts]),
        "page": columns.integers([draft.page for draft in drafts]),
        "box": columns.texts([_box(draft) for draft in drafts]),
        "spans": columns.texts([json.dumps(_spans(draft), separators=(",", ":")) for draft in drafts]),
        "term_count": columns.integers([len(each) for each in terms]),
        "terms": columns.words(terms),
        "embedding": columns.half_vectors(halfvec, vectors),
        "enabled": columns.flags([draft.enabled for draft in drafts]),
        "origin": columns.texts([draft.origin for draft in drafts]),
        "anchor": columns.texts([content_anchor(draft.text, draft.heading_path) for draft in drafts]),
    }


def _box(draft: ChunkDraft) -> str | None:
    return "{" + ",".join(map(repr, map(float, draft.box))) + "}" if draft.box else None


def _spans(draft: ChunkDraft) -> list[list[int]]:
    return [[span.start, span.end, span.block, span.block_start] for span in draft.spans]


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
    # As many edges as chunks: they are written where the chunks are.
    with tenant_cursor() as cursor:
        cursor.execute(_TRACE, {"organization": version.organization_id, "index": index.id, "version": version.id})
