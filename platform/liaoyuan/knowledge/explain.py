"""One question, taken apart: each search's ranks and scores, the fusion, the order, the answer, the timings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from liaoyuan.knowledge.abstain import judge
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.answer import LONGEST_QUESTION, KnowledgeAnswer, answer_question
from liaoyuan.knowledge.context import passages_read
from liaoyuan.knowledge.errors import QuestionEmpty
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.rank import Ranked, leg_orders
from liaoyuan.knowledge.retrieve import Retrieval, chunks_permitted, retrieval_settings, retrieve
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.knowledge.text.synonyms import Synonyms

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate. Ranks count from 1, None where that search did not find it; ``features`` are the reranker's."""

    rank: int
    score: float
    vector_rank: int | None
    cosine: float
    words_rank: int | None
    words_score: float
    fused_rank: int
    features: dict[str, float]
    chunk_id: str
    document_id: str
    document: str
    version: str
    locator: str
    heading_path: list[str]
    page: int | None
    text: str
    cited: int | None


@dataclass(frozen=True, slots=True)
class Passage:
    """What a model would read for one cited chunk: the chunk within its surroundings."""

    chunk_id: str
    document: str
    text: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything behind one answer, JSON-ready by :meth:`as_dict`. ``judgement`` are the features of answering."""

    question: dict[str, Any]
    settings: dict[str, Any]
    generation: int | None
    reranker: str
    notes: list[str]
    rows: list[Row]
    context: list[Passage]
    answer: KnowledgeAnswer
    judgement: dict[str, float]
    timings: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def explain(
    collection_id: UUID,
    question: str,
    *,
    day: date | None = None,
    settings: RetrievalSettings | None = None,
    index_id: UUID | None = None,
    engine: Embedder | None = None,
    synonyms: Synonyms | None = None,
    shown: int = SHOWN,
) -> Explained:
    """Ask inside the current tenant context and keep every step. Raises QuestionEmpty, RerankerDown, EmbedderDown."""
    text = question.strip()
    if not text or len(text) > LONGEST_QUESTION:
        raise QuestionEmpty(limit=LONGEST_QUESTION)
    settings = settings or retrieval_settings(collection_id)
    found = retrieve(
        collection_id, text, day=day, engine=engine, synonyms=synonyms, settings=settings, index_id=index_id
    )
    answer = answer_question(collection_id, text, day=day, found=found, index_id=found.index_id)
    best = found.ranked[:shown]
    ids = [item.candidate.chunk_id for item in best]
    permitted = chunks_permitted(collection_id, ids, day, found.index_id)
    index = index_read(collection_id, found.index_id)
    return Explained(
        question=_question(found),
        settings=settings.model_dump(),
        generation=index.number if index else None,
        reranker=found.reranker,
        notes=list(found.notes),
        rows=_rows(found, best, permitted, answer),
        context=_context(answer, permitted, settings.context),
        answer=answer,
        judgement=judge(found.question, found.ranked, found.statistics).features,
        timings=answer.timings,
    )


def _question(found: Retrieval) -> dict[str, Any]:
    question = found.question
    return {
        "text": question.text,
        "kind": str(question.kind),
        "words": list(question.words),
        "variants": {word: list(others) for word, others in question.variants.items() if others},
        "names": list(question.names),
        "chunks_searched": found.statistics.chunks,
    }


def _rows(found: Retrieval, best: list[Ranked], permitted: Mapping[str, Chunk], answer: KnowledgeAnswer) -> list[Row]:
    candidates = [item.candidate for item in found.ranked]
    vector, words = ({key: place for place, key in enumerate(order, 1)} for order in leg_orders(candidates))
    by_fusion = sorted(found.ranked, key=lambda item: -item.features["fusion"])
    fused = {item.candidate.chunk_id: place for place, item in enumerate(by_fusion, 1)}
    cited = {citation.chunk_id: number for number, citation in reversed(list(enumerate(answer.citations, 1)))}
    rows = []
    for place, item in enumerate(best, start=1):
        chunk = permitted.get(item.candidate.chunk_id)
        if chunk is None:
            continue
        key = item.candidate.chunk_id
        ranks = (vector.get(key), words.get(key), fused[key])
        rows.append(_row(place, item, chunk, ranks, cited.get(key)))
    return rows


def _row(place: int, item: Ranked, chunk: Chunk, ranks: tuple[int | None, int | None, int], cited: int | None) -> Row:
    candidate = item.candidate
    return Row(
        rank=place,
        score=round(item.score, 3),
        vector_rank=ranks[0],
        cosine=round(candidate.cosine, 4),
        words_rank=ranks[1],
        words_score=round(candidate.lexical, 3),
        fused_rank=ranks[2],
        features={name: round(value, 3) for name, value in item.features.items()},
        chunk_id=candidate.chunk_id,
        document_id=str(chunk.version.document_id),
        document=display_name(chunk.version.document.name, chunk.title),
        version=chunk.version.label,
        locator=chunk.locator,
        heading_path=list(chunk.heading_path),
        page=chunk.page,
        text=chunk.text,
        cited=cited,
    )


def _context(answer: KnowledgeAnswer, permitted: Mapping[str, Chunk], budget: int) -> list[Passage]:
    cited = [permitted[key] for key in dict.fromkeys(c.chunk_id for c in answer.citations) if key in permitted]
    passages = passages_read(cited, budget)
    return [Passage(str(row.id), row.title, passages[str(row.id)]) for row in cited]
