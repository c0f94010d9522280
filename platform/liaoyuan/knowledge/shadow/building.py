"""One version's chunks for one generation: read, cut, carry the edits over, embed; written in one transaction."""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors
from liaoyuan.knowledge.chunking import chunk_document, token_limit
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, DocumentVersion, SearchIndex
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.rules import CUTTING, reading_rules
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.carrying import edits_carry, edits_record, edits_stale, fits
from liaoyuan.knowledge.services.embedding import embedded, embedded_text, vectors_known
from liaoyuan.knowledge.services.indexing import blocks_store, chunks_trace, chunks_write
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.settings import ChunkingSettings
from liaoyuan.knowledge.shadow.errors import GenerationGone
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.knowledge.shadow.pending import source_of
from liaoyuan.pipeline.storage import storage_key


@dataclass(frozen=True)
class Budget:
    """Tokens of a chunk, by the generation's own model."""

    target: int
    limit: int


@dataclass(frozen=True)
class Build:
    """What all versions of one build share."""

    organization_id: UUID
    user_id: UUID | None
    index: SearchIndex
    engine: Embedder
    budget: Budget


@dataclass(frozen=True)
class Reading:
    """The blocks that a version's chunks are cut from, and where they are kept."""

    parsed: ParsedDocument
    blocks_key: str
    parser: int
    note: dict[str, str]


def budget_of(chunking: ChunkingSettings, engine: Embedder) -> Budget:
    """What the settings come to for this model."""
    limit = token_limit(chunking.limit, engine.token_limit)
    return Budget(min(chunking.target, limit), limit)


def version_build(build: Build, version_id: UUID, parsing: "Future[ParseOutcome] | None" = None) -> IndexEntry | None:
    """Build one version into the generation; None when it changed meanwhile and must be built again.

    Raises GenerationGone, and what the embedding engine raises.
    """
    began = time.monotonic()
    with tenant_context(build.organization_id, build.user_id):
        version = DocumentVersion.objects.select_related("document").get(id=version_id)
        reading = _reading(version)
    source = source_of(version)
    if parsing is not None:
        reading = _read_anew(build, version, parsing.result(), reading)
    title = display_name(version.document.name, reading.parsed.title)
    drafts = chunk_document(
        title,
        reading.parsed.blocks,
        build.engine.count_tokens,
        target=build.budget.target,
        limit=build.budget.limit,
    )
    with tenant_context(build.organization_id, build.user_id):
        carried = edits_carry(version, drafts, index_id=build.index.id, fits=fits(build.engine, title))
        known = _of_live(build, version_id)
    vectors = embedded(build.engine, title, carried.drafts, known)
    with tenant_context(build.organization_id, build.user_id):
        if not SearchIndex.objects.select_for_update(no_key=True).filter(id=build.index.id).exists():
            raise GenerationGone
        locked = DocumentVersion.objects.select_for_update(no_key=True, of=("self",)).select_related("document")
        now = locked.filter(id=version_id).first()
        if now is None or source_of(now) != source or edits_stale(now, carried):
            return None
        Chunk.objects.filter(index=build.index, version=now).delete()
        chunks_write(now, title, carried.drafts, vectors, index=build.index)
        edits_record(now, carried)
        chunks_trace(now, build.index)
        texts = [embedded_text(title, draft) for draft in carried.drafts]
        counts = {"chunks": len(texts), "reused": sum(text in known for text in texts), "lost": len(carried.lost)}
        return _entry(build.index, now, reading, source, counts, began)


def _of_live(build: Build, version_id: UUID) -> dict[str, Vectors]:
    """The vectors that the live generation has of this version from the same model."""
    live = live_index(build.index.collection_id)
    same = (live.embedder, live.dimensions) == (build.index.embedder, build.index.dimensions)
    return vectors_known(version_id, live.id) if same else {}


def _reading(version: DocumentVersion) -> Reading:
    return Reading(parsed_document(version), version.blocks_key, version.parser, {})


def _read_anew(build: Build, version: DocumentVersion, outcome: ParseOutcome, before: Reading) -> Reading:
    """What the parser read under the generation's options, kept in a folder of the generation. A file that can be read
    no more keeps the reading that it has: a document must not vanish from the search because of an option."""
    parser = reading_rules(version.media_type)
    if outcome.document is None:
        return Reading(before.parsed, before.blocks_key, parser, {"zh": outcome.reason_zh, "en": outcome.reason_en})
    names = ("generations", str(build.index.id))
    key = storage_key(build.organization_id, DOCUMENTS, version.id, *names, "blocks.jsonl")
    blocks_store(key, outcome.document)
    return Reading(outcome.document, key, parser, {})


def _entry(
    index: SearchIndex,
    version: DocumentVersion,
    reading: Reading,
    source: str,
    counts: Mapping[str, int],
    began: float,
) -> IndexEntry:
    columns: dict[str, Any] = {
        "source": source,
        "blocks_key": reading.blocks_key,
        "parser": reading.parser,
        "chunker": CUTTING,
        "pages": len(reading.parsed.pages),
        "blocks": len(reading.parsed.blocks),
        "flags": sorted(reading.parsed.flags),
        "seconds": time.monotonic() - began,
        "note": reading.note,
        **counts,
    }
    entry, _new = IndexEntry.objects.update_or_create(
        organization_id=version.organization_id, index=index, document_version=version, defaults=columns
    )
    return entry
