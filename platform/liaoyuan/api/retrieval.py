"""Search a collection for a caller: chunks with the way to their place, asked for twice inside the caller's rights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.documents import Found, Hit
from liaoyuan.knowledge.adapters.embeddings import embedder, embedder_for
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import Chunk, Collection
from liaoyuan.knowledge.rank import Ranked
from liaoyuan.knowledge.retrieve import chunks_permitted, retrieval_settings, retrieve
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.knowledge.text.synonyms import Synonyms


@dataclass(frozen=True)
class Narrowed:
    """What a caller wants besides the question: some documents, a least score, another way to search."""

    documents: tuple[UUID, ...] = ()
    least_score: float | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, own: RetrievalSettings) -> RetrievalSettings:
        return RetrievalSettings.model_validate(own.model_dump() | dict(self.changed)) if self.changed else own

    def good(self, item: Ranked) -> bool:
        return self.least_score is None or item.score >= self.least_score

    def wanted(self, row: Chunk) -> bool:
        return not self.documents or row.version.document_id in self.documents


def found_in(
    who: Principal,
    collection_id: UUID,
    query: str,
    *,
    k: int,
    day: date | None = None,
    synonyms: Synonyms | None = None,
    narrowed: Narrowed | None = None,
) -> Found:
    """The ``k`` best chunks for ``query``, of those that ``narrowed`` lets through.

    Raises NotFound for a strange collection, ModelServerError.
    """
    with tenant_context(who.organization_id, who.user_id):
        one(Collection.objects.all(), id=collection_id)
        index = index_read(collection_id)
    # The embedder is another process: no transaction waits for it.
    vector = (embedder_for(index.embedder) if index else embedder()).embed([query], "question")[0]
    with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
        pinned = index.id if index else None
        narrowed = narrowed or Narrowed()
        settings = narrowed.settings(retrieval_settings(collection_id))
        result = retrieve(
            collection_id,
            query,
            day=day,
            vector=vector,
            synonyms=synonyms,
            index_id=pinned,
            settings=settings,
            judged=False,
        )
        best = [item for item in result.ranked if narrowed.good(item)]
        best = best if narrowed.documents else best[:k]
        ids = [item.candidate.chunk_id for item in best]
        rows = chunks_permitted(collection_id, ids, day, result.index_id)
        found = [(item, rows[item.candidate.chunk_id]) for item in best if item.candidate.chunk_id in rows]
        hits = [_hit(item, row) for item, row in found if narrowed.wanted(row)][:k]
    return Found(hits=hits, timings={name: round(value, 4) for name, value in result.timings.items()})


def _hit(item: Ranked, row: Chunk) -> Hit:
    return Hit(
        chunk_id=row.id,
        document_id=row.version.document_id,
        document=row.version.document.name,
        version_id=row.version_id,
        version=row.version.label,
        title=row.title,
        heading_path=list(row.heading_path),
        locator=row.locator,
        page=row.page,
        box=list(row.box) if row.box else None,
        quote=row.text,
        score=float(item.score),
        cosine=float(item.candidate.cosine),
    )
