"""Measure a collection on questions with known evidence: what gates, packs and the acceptance command all use."""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from statistics import fmean
from typing import Any
from uuid import UUID

from langchain_core.language_models.chat_models import BaseChatModel

from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder
from liaoyuan.knowledge.answer import Citation, KnowledgeAnswer, Mode, answer_question
from liaoyuan.knowledge.errors import QuestionsInvalid
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.knowledge.text.synonyms import Synonyms

_DEPTH = 10


@dataclass(frozen=True, slots=True)
class GateQuestion:
    """One question with what it must find: ``evidence`` items are "DOCUMENT#LOCATOR", or "DOCUMENT" alone."""

    id: str
    question: str
    evidence: tuple[str, ...] = ()
    must_contain: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Rates are 0..1 over the questions they concern; NaN-free: a rate without any such question is None."""

    metrics: dict[str, float | int | None]
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Metrics at the top level, rows last."""
        return {**self.metrics, "rows": self.rows}


@dataclass(slots=True)
class _Row:
    question: GateQuestion
    answer: KnowledgeAnswer
    # The rank (from 1) at which each evidence item was found, None beyond the depth.
    ranks: list[int | None]
    valid: list[bool]
    correct: list[bool]
    milliseconds: float
    retrieved: list[str] = field(default_factory=list)

    def recall(self, k: int) -> float:
        return fmean(rank is not None and rank <= k for rank in self.ranks)

    def contains(self) -> bool:
        text = squeeze(self.answer.answer)
        return not self.answer.abstained and all(squeeze(part) in text for part in self.question.must_contain)


def questions_read(path: Path) -> list[GateQuestion]:
    """Questions from JSON lines; unknown fields are ignored. Raises QuestionsInvalid with the line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(question_from(json.loads(line), number))
        except (ValueError, TypeError, AttributeError) as error:
            raise QuestionsInvalid(line=number, detail=str(error)) from error
    return found


def question_from(values: Mapping[str, Any], number: int = 0) -> GateQuestion:
    """One question from its JSON form. Raises ValueError where there is no question."""
    text = str(values.get("question") or "").strip()
    if not text:
        raise ValueError("no question")
    return GateQuestion(
        id=str(values.get("id") or number),
        question=text,
        evidence=tuple(str(item) for item in values.get("evidence") or ()),
        must_contain=tuple(str(item) for item in values.get("must_contain") or ()),
        answerable=bool(values.get("answerable", True)),
    )


def collection_evaluate(
    collection_id: UUID,
    questions: Sequence[GateQuestion],
    *,
    mode: Mode = "extractive",
    chat: BaseChatModel | None = None,
    day: date | None = None,
    engine: Embedder | None = None,
    synonyms: Synonyms | None = None,
) -> Evaluation:
    """Ask every question inside the current tenant context and compare. Embeds all questions at once."""
    # The dictionary loads on first use; that is nobody's answering time.
    analyse("预热")
    began = time.perf_counter()
    vectors = (engine or embedder()).embed([item.question for item in questions], "query")
    embedding = (time.perf_counter() - began) / max(1, len(questions))
    rows = [
        _ask(_Task(collection_id, mode, chat, day, synonyms), item, vector, embedding)
        for item, vector in zip(questions, vectors, strict=True)
    ]
    return Evaluation(_metrics(rows), [_row(row) for row in rows])


@dataclass(frozen=True, slots=True)
class _Task:
    collection_id: UUID
    mode: Mode
    chat: BaseChatModel | None
    day: date | None
    synonyms: Synonyms | None


def _ask(task: _Task, item: GateQuestion, vector: Vectors, embedding: float) -> _Row:
    began = time.perf_counter()
    found = retrieve(task.collection_id, item.question, day=task.day, vector=vector, synonyms=task.synonyms)
    answer = answer_question(
        task.collection_id, item.question, mode=task.mode, chat=task.chat, day=task.day, found=found
    )
    milliseconds = (time.perf_counter() - began + embedding) * 1000
    ids = [ranked.candidate.chunk_id for ranked in found.ranked[:_DEPTH]]
    wanted = {citation.chunk_id for citation in answer.citations}
    chunks = Chunk.objects.select_related("version__document").in_bulk([UUID(key) for key in {*ids, *wanted}])
    by_id = {str(key): chunk for key, chunk in chunks.items()}
    ranked_chunks = [by_id[key] for key in ids]
    return _Row(
        question=item,
        answer=answer,
        ranks=[_rank(evidence, ranked_chunks) for evidence in item.evidence],
        valid=[_valid(citation, by_id.get(citation.chunk_id)) for citation in answer.citations],
        correct=[
            any(matches(evidence, by_id[citation.chunk_id]) for evidence in item.evidence)
            for citation in answer.citations
        ],
        milliseconds=milliseconds,
        retrieved=[f"{chunk.title}#{chunk.locator}" for chunk in ranked_chunks[:5]],
    )


def matches(evidence: str, chunk: Chunk) -> bool:
    """Whether ``chunk`` is the evidence "DOCUMENT#LOCATOR": title or file stem starts with one, path or text
    carries the other."""
    document, _, locator = evidence.partition("#")
    wanted = squeeze(document)
    version = chunk.version
    names = (chunk.title, PurePosixPath(version.file_name).stem, PurePosixPath(version.document.name).stem)
    if not any(squeeze(name).startswith(wanted) for name in names):
        return False
    place = squeeze(" ".join([*chunk.heading_path, chunk.locator, chunk.text]))
    return squeeze(locator) in place


def _rank(evidence: str, chunks: Sequence[Chunk]) -> int | None:
    return next((place for place, chunk in enumerate(chunks, start=1) if matches(evidence, chunk)), None)


def _valid(citation: Citation, chunk: Chunk | None) -> bool:
    return chunk is not None and bool(citation.quote) and chunk.text[citation.start : citation.end] == citation.quote


def _metrics(rows: Sequence[_Row]) -> dict[str, float | int | None]:
    answerable = [row for row in rows if row.question.answerable]
    located = [row for row in answerable if row.question.evidence]
    unanswerable = [row for row in rows if not row.question.answerable]
    answered = [row for row in located if not row.answer.abstained]
    times = sorted(row.milliseconds for row in rows)
    return {
        "n": len(rows),
        **{f"recall@{k}": _mean(row.recall(k) for row in located) for k in (1, 5, 10)},
        "mrr": _mean(_reciprocal(row.ranks) for row in located),
        "ndcg@10": _mean(_gain(row.ranks) for row in located),
        "citation_valid": _mean(valid for row in rows for valid in row.valid),
        "citation_correct": _mean(any(row.correct) for row in answered),
        "citation_precision": _mean(correct for row in answered for correct in row.correct),
        "must_contain": _mean(row.contains() for row in answerable if row.question.must_contain),
        "abstained_unanswerable": _mean(row.answer.abstained for row in unanswerable),
        "refused_answerable": _mean(row.answer.abstained for row in answerable),
        "answer_characters": _mean(len(row.answer.answer) for row in answered),
        "p50_ms": _percentile(times, 0.5),
        "p95_ms": _percentile(times, 0.95),
    }


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(fmean(listed), 4) if listed else None


def _reciprocal(ranks: Sequence[int | None]) -> float:
    return max((1 / rank for rank in ranks if rank), default=0.0)


def _gain(ranks: Sequence[int | None]) -> float:
    """Normalised discounted cumulative gain at 10, each evidence item counted once. Two may share one chunk."""
    gained = sum(1 / math.log2(rank + 1) for rank in {rank for rank in ranks if rank})
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(ranks), _DEPTH) + 1))
    return min(1.0, gained / ideal)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 2)


def _row(row: _Row) -> dict[str, Any]:
    return {
        "id": row.question.id,
        "question": row.question.question,
        "answerable": row.question.answerable,
        "abstained": row.answer.abstained,
        "confidence": round(row.answer.confidence, 4),
        "answer": row.answer.answer,
        "evidence": list(row.question.evidence),
        "ranks": row.ranks,
        "must_contain": row.contains() if row.question.must_contain else None,
        "citations": [
            {"document": c.document, "version": c.version, "locator": c.locator, "quote": c.quote, "correct": correct}
            for c, correct in zip(row.answer.citations, row.correct, strict=True)
        ],
        "retrieved": row.retrieved,
        "ms": round(row.milliseconds, 2),
    }
