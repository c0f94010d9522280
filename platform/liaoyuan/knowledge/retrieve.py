"""Retrieval for a collection: embed the question, search inside the asker's rights, rerank; and LangChain's view of
it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder, embedder_for
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import Chunk, Collection
from liaoyuan.knowledge.nearness import PATIENCE_SECONDS, nearest_sentences, wanted
from liaoyuan.knowledge.parts import interleaved, question_parts
from liaoyuan.knowledge.question import Question, analyse
from liaoyuan.knowledge.rank import Candidate, Ranked, Statistics
from liaoyuan.knowledge.rerankers import NONE, Reranked, rerank
from liaoyuan.knowledge.search import EXACT_ROWS, Scope, nearest, scope_here, search, visible
from liaoyuan.knowledge.settings import RetrievalSettings, settings_of
from liaoyuan.knowledge.text.synonyms import Synonyms

Compare = Callable[[Reranked, Vectors], Reranked]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Ranked chunks, best first, with what judging them needs. ``timings`` are seconds by step; ``index_id`` is the
    generation that was read, so that a later look at the chunks reads the same one even if it was swapped since."""

    question: Question
    ranked: list[Ranked]
    statistics: Statistics
    timings: dict[str, float] = field(default_factory=dict)
    index_id: UUID | None = None
    reranker: str = ""
    notes: tuple[str, ...] = ()


def retrieve(
    collection_id: UUID,
    question: str,
    *,
    day: date | None = None,
    vector: Vectors | None = None,
    engine: Embedder | None = None,
    exact_rows: int = EXACT_ROWS,
    synonyms: Synonyms | None = None,
    index_id: UUID | None = None,
    settings: RetrievalSettings | None = None,
    judged: bool = True,
    patience: float = PATIENCE_SECONDS,
) -> Retrieval:
    """Search one collection inside the current tenant context, whose groups decide what may be found.

    ``day`` asks as of that date (default: today). ``vector`` saves the embedding where a caller made many at once;
    ``synonyms`` are the trade's own words and their official names. ``index_id`` names a generation of the index
    other than the live one. The question is embedded by that generation's own model; a ``vector`` must be of it. A
    question that asks several things is searched for part by part as well (:mod:`liaoyuan.knowledge.parts`). Where
    nobody is to judge what is found (``judged``), and by the settings words count nothing, no word is looked up.
    ``patience``: seconds to wait for the vectors of single sentences. Raises EmbedderDown.
    """
    analysed = analyse(question, synonyms)
    began = time.perf_counter()
    index = index_read(collection_id, index_id)
    parts = question_parts(question)
    if vector is None or parts:
        engine = engine or (embedder_for(index.embedder) if index else embedder())
        first, *vectors = engine.embed([question, *parts], "question")
        vector = first if vector is None else vector
    embedded = time.perf_counter()
    pinned = index.id if index else index_id
    scope = scope_here(collection_id, day or timezone.localdate(), pinned)
    settings = settings or retrieval_settings(collection_id)
    if judged or settings.lexical_weight or settings.reranker != NONE:
        candidates, statistics = search(scope, analysed, vector, k=settings.candidates, exact_rows=exact_rows)
    else:
        candidates = nearest(scope, vector, k=settings.candidates, exact_rows=exact_rows)
        statistics = Statistics(0, {}, 1.0)
    found = time.perf_counter()
    comparing = index is not None and wanted(settings, index.embedder)
    engine = engine or (embedder_for(index.embedder) if index and comparing else None)
    near = partial(nearest_sentences, engine=engine, patience=patience) if engine and comparing else None
    ordered = _ordered(analysed, candidates, statistics, settings, vector, near)
    ranked = ordered.ranked
    if parts:
        asked = [(analyse(part, synonyms), own) for part, own in zip(parts, vectors, strict=True)]
        ranked = interleaved(ranked, [_part(scope, part, own, settings, near) for part, own in asked])
    timings = {"embed": embedded - began, "retrieve": found - embedded, "rerank": time.perf_counter() - found}
    return Retrieval(analysed, ranked, statistics, timings, pinned, ordered.reranker, ordered.notes)


def _part(
    scope: Scope, question: Question, vector: Vectors, settings: RetrievalSettings, near: Compare | None
) -> list[Ranked]:
    """What one part of the question finds alone, best first."""
    candidates, statistics = search(scope, question, vector, k=settings.candidates)
    return _ordered(question, candidates, statistics, settings, vector, near).ranked


def _ordered(
    question: Question,
    candidates: Sequence[Candidate],
    statistics: Statistics,
    settings: RetrievalSettings,
    vector: Vectors,
    near: Compare | None,
) -> Reranked:
    """The candidates in order, by their sentences too where ``near`` compares them."""
    ordered = rerank(question, candidates, statistics, settings)
    return near(ordered, vector) if near is not None and ordered.ranked else ordered


def retrieval_settings(collection_id: UUID) -> RetrievalSettings:
    """What the collection says about searching it; the defaults where it says nothing."""
    stored = Collection.objects.filter(id=collection_id).values_list("settings", flat=True).first()
    return settings_of(stored or {}).retrieval


def chunks_permitted(
    collection_id: UUID, chunk_ids: Sequence[str], day: date | None = None, index_id: UUID | None = None
) -> dict[str, Chunk]:
    """The rows behind ``chunk_ids`` that the asker may read now: the second look before anything is cited."""
    scope = scope_here(collection_id, day or timezone.localdate(), index_id)
    allowed = visible(scope, chunk_ids)
    rows = Chunk.objects.select_related("version__document").filter(id__in=allowed)
    return {str(row.id): row for row in rows}


@contextmanager
def _asker() -> Iterator[None]:
    """The tenant context in force, opened anew where this thread's connection is not in it."""
    if connections["default"].in_atomic_block:
        yield
        return
    who = current_tenant()
    try:
        with tenant_context(who.organization_id, who.user_id, groups=who.groups):
            yield
    finally:
        connections["default"].close()


class PgRetriever(BaseRetriever):
    """LangChain's retriever over :func:`retrieve`; call it, or the chain that holds it, inside a tenant context.

    A document's metadata: chunk_id, document_id, version_id, title, heading_path, locator, page, box, version, score,
    cosine. ``filters`` keeps what has these values there (or one of a list of them), ``least_score`` what scores as
    much; ``settings`` and ``index_id`` are as for :func:`retrieve`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    collection_id: UUID
    k: int = 5
    day: date | None = None
    engine: Any = None
    settings: RetrievalSettings | None = None
    index_id: UUID | None = None
    filters: dict[str, Any] = {}
    least_score: float | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        # A chain calls its parts in threads of its own: the asker comes along, the open transaction does not.
        with _asker():
            return self._found(query)

    def _found(self, query: str) -> list[LangChainDocument]:
        found = retrieve(
            self.collection_id,
            query,
            day=self.day,
            engine=self.engine,
            settings=self.settings,
            index_id=self.index_id,
            judged=False,
        )
        good = [item for item in found.ranked if self.least_score is None or item.score >= self.least_score]
        # Filters read the chunk's own row, so with filters everything found is looked up before the best are taken.
        best = good if self.filters else good[: self.k]
        ids = [item.candidate.chunk_id for item in best]
        rows = chunks_permitted(self.collection_id, ids, self.day, found.index_id)
        listed = [_document(item, rows[item.candidate.chunk_id]) for item in best if item.candidate.chunk_id in rows]
        return [document for document in listed if self._wanted(document)][: self.k]

    def _wanted(self, document: LangChainDocument) -> bool:
        return all(
            document.metadata.get(name) in (value if isinstance(value, (list, tuple, set)) else [value])
            for name, value in self.filters.items()
        )


def _document(item: Ranked, row: Chunk) -> LangChainDocument:
    metadata = {
        "chunk_id": item.candidate.chunk_id,
        "document_id": str(row.version.document_id),
        "version_id": str(row.version_id),
        "title": row.title,
        "heading_path": list(row.heading_path),
        "locator": row.locator,
        "page": row.page,
        "box": row.box,
        "version": row.version.label,
        "score": item.score,
        "cosine": item.candidate.cosine,
    }
    return LangChainDocument(page_content=row.text, metadata=metadata, id=item.candidate.chunk_id)
