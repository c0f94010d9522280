"""Measure a collection on questions with known evidence: what gates, packs and the acceptance command all use."""

import datetime
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

from langchain_core.language_models.chat_models import BaseChatModel

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder_for
from liaoyuan.knowledge.answer import Citation, KnowledgeAnswer, Mode, answer_question
from liaoyuan.knowledge.errors import QuestionsInvalid
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, SearchIndex
from liaoyuan.knowledge.nearness import PATIENCE_MEASURING
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.questions.measures import DEPTH, Metrics, measure
from liaoyuan.knowledge.retrieve import Retrieval, retrieve
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.knowledge.text.synonyms import Synonyms

# A quote this short says too little to be the same place in other chunks.
_SHORTEST_QUOTE = 8
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place that survives a new index: the chunk's content anchor, and its words for when it was cut anew."""

    document_id: str
    anchor: str = ""
    quote: str = ""

    def holds(self, chunk: Chunk) -> bool:
        """Whether ``chunk`` is that place, or holds it, or is a piece of it."""
        if self.anchor and getattr(chunk, "anchor", "") == self.anchor:
            return True
        if str(chunk.version.document_id) != self.document_id:
            return False
        quote, text = squeeze(self.quote), squeeze(chunk.text)
        return len(quote) >= _SHORTEST_QUOTE and (quote in text or (len(text) >= _SHORTEST_QUOTE and text in quote))


@dataclass(frozen=True, slots=True)
class GateQuestion:
    """One question with what it must find: ``evidence`` items are "DOCUMENT#LOCATOR", or "DOCUMENT" alone.

    ``anchors`` say, item by item, the same places in a form that outlives the index. ``date`` (YYYY-MM-DD) asks what
    was in force on that day; empty: on the day of the evaluation.
    """

    id: str
    question: str
    evidence: tuple[str, ...] = ()
    must_contain: tuple[str, ...] = ()
    answerable: bool = True
    anchors: tuple[Anchor, ...] = ()
    type: str = ""
    language: str = ""
    date: str = ""

    @property
    def day(self) -> datetime.date | None:
        """The day of which it asks; None: that of the evaluation."""
        return datetime.date.fromisoformat(self.date) if self.date else None

    @property
    def places(self) -> list[tuple[str | None, Anchor | None]]:
        """Every place that must be found, by name, by anchor, or both."""
        return list(zip_longest(self.evidence, self.anchors))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Rates are 0..1 over the questions they concern; NaN-free: a rate without any such question is None.

    ``intervals`` are 95 %: Wilson's for proportions, a seeded bootstrap for MRR, nDCG and latency.
    """

    metrics: Metrics
    rows: list[dict[str, Any]]
    intervals: dict[str, list[float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Metrics at the top level, their intervals beside them, rows last."""
        return {**self.metrics, "intervals": self.intervals, "rows": self.rows}


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
    """One question from its JSON form. Raises ValueError where there is no question, or its date is none."""
    text = str(values.get("question") or "").strip()
    if not text:
        raise ValueError("no question")
    return GateQuestion(
        id=str(values.get("id") or number),
        question=text,
        evidence=tuple(str(item) for item in values.get("evidence") or ()),
        must_contain=tuple(str(item) for item in values.get("must_contain") or ()),
        answerable=bool(values.get("answerable", True)),
        type=str(values.get("type") or ""),
        language=str(values.get("language") or ""),
        date=datetime.date.fromisoformat(str(values["date"])).isoformat() if values.get("date") else "",
    )


def collection_evaluate(
    collection_id: UUID,
    questions: Sequence[GateQuestion],
    *,
    mode: Mode = "extractive",
    chat: BaseChatModel | None = None,
    day: datetime.date | None = None,
    engine: Embedder | None = None,
    synonyms: Synonyms | None = None,
    index_id: UUID | None = None,
    settings: Any = None,
) -> Evaluation:
    """Ask every question inside the current tenant context and compare. Embeds all questions at once.

    Each is asked as of its own date; those without one as of ``day`` (default: today).
    ``index_id`` measures another generation of the index than the live one, ``settings`` (RetrievalSettings) another
    way to retrieve than the collection's own.
    """
    examiner = Examiner(collection_id, mode, chat, day, synonyms, index_id, settings, engine)
    vectors, embedding = examiner.embed([item.question for item in questions])
    rows = [examiner.ask(item, vector, embedding) for item, vector in zip(questions, vectors, strict=True)]
    measured = measure(rows)
    return Evaluation(measured.metrics, rows, measured.intervals)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks a collection under one configuration, question by question."""

    collection_id: UUID
    mode: Mode = "extractive"
    chat: BaseChatModel | None = None
    day: datetime.date | None = None
    synonyms: Synonyms | None = None
    index_id: UUID | None = None
    settings: Any = None
    engine: Embedder | None = None

    def embed(self, questions: Sequence[str]) -> tuple[Vectors, float]:
        """The questions' vectors, shape (n, dimensions), and the seconds that each took."""
        # The dictionary loads on first use; that is nobody's answering time.
        analyse("预热")
        began = time.perf_counter()
        vectors = (self.engine or embedder_of(self.collection_id, self.index_id)).embed(list(questions), "question")
        return vectors, (time.perf_counter() - began) / max(1, len(questions))

    def ask(self, item: GateQuestion, vector: Vectors, embedding: float = 0.0) -> dict[str, Any]:
        """One row: what was found, said and cited, compared with what was wanted."""
        began = time.perf_counter()
        day = item.day or self.day
        found = self.retrieve(item.question, vector, day)
        answer = answer_question(
            self.collection_id,
            item.question,
            mode=self.mode,
            chat=self.chat,
            day=day,
            found=found,
            **index_named(self.index_id),
        )
        milliseconds = (time.perf_counter() - began + embedding) * 1000
        return _row(item, answer, found, milliseconds)

    def retrieve(self, question: str, vector: Vectors, day: datetime.date | None = None) -> Retrieval:
        """The retrieval of this configuration, as of ``day`` where that is another than the configuration's."""
        given = {"index_id": self.index_id, "settings": self.settings}
        return retrieve(
            self.collection_id,
            question,
            day=day or self.day,
            vector=vector,
            synonyms=self.synonyms,
            patience=PATIENCE_MEASURING,
            **{name: value for name, value in given.items() if value is not None},
        )


def index_named(index_id: UUID | None) -> dict[str, Any]:
    """The keyword that names a generation of the index; nothing for the live one."""
    return {} if index_id is None else {"index_id": index_id}


def embedder_of(collection_id: UUID, index_id: UUID | None) -> Embedder:
    """The engine that embedded this generation of the collection's index. Raises NotFound."""
    if index_id is None:
        return embedder_for(live_index(collection_id).embedder)
    found = SearchIndex.objects.filter(id=index_id, collection_id=collection_id).first()
    if found is None:
        raise NotFound
    return embedder_for(found.embedder)


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


def is_place(place: tuple[str | None, Anchor | None], chunk: Chunk) -> bool:
    """Whether ``chunk`` is a wanted place, by its name or by its anchor."""
    evidence, anchor = place
    return (evidence is not None and matches(evidence, chunk)) or (anchor is not None and anchor.holds(chunk))


def _row(item: GateQuestion, answer: KnowledgeAnswer, found: Retrieval, milliseconds: float) -> dict[str, Any]:
    ids = [ranked.candidate.chunk_id for ranked in found.ranked[:DEPTH]]
    wanted = {citation.chunk_id for citation in answer.citations}
    chunks = Chunk.objects.select_related("version__document").in_bulk([UUID(key) for key in {*ids, *wanted}])
    by_id = {str(key): chunk for key, chunk in chunks.items()}
    best = [by_id[key] for key in ids]
    return {
        "id": item.id,
        "question": item.question,
        "answerable": item.answerable,
        "type": item.type,
        "language": item.language,
        **({"date": item.date} if item.date else {}),
        "document": item.evidence[0].partition("#")[0] if item.evidence else "",
        "abstained": answer.abstained,
        "confidence": round(answer.confidence, 4),
        "answer": answer.answer,
        "evidence": list(item.evidence),
        "ranks": [_rank(place, best) for place in item.places],
        "wanted": list(item.must_contain),
        "must_contain": contains(item, answer) if item.must_contain else None,
        "citations": [_cited(item, citation, by_id.get(citation.chunk_id)) for citation in answer.citations],
        "retrieved": [f"{chunk.title}#{chunk.locator}" for chunk in best[:_SHOWN]],
        "versions": sorted({str(chunk.version_id) for chunk in by_id.values()}),
        "ms": round(milliseconds, 2),
    }


def contains(item: GateQuestion, answer: KnowledgeAnswer) -> bool:
    """Whether the answer says everything that it must."""
    text = squeeze(answer.answer)
    return not answer.abstained and all(squeeze(part) in text for part in item.must_contain)


def _rank(place: tuple[str | None, Anchor | None], chunks: Sequence[Chunk]) -> int | None:
    return next((rank for rank, chunk in enumerate(chunks, start=1) if is_place(place, chunk)), None)


def _cited(item: GateQuestion, citation: Citation, chunk: Chunk | None) -> dict[str, Any]:
    valid = chunk is not None and bool(citation.quote) and chunk.text[citation.start : citation.end] == citation.quote
    return {
        "document": citation.document,
        "version": citation.version,
        "locator": citation.locator,
        "quote": citation.quote,
        "chunk_id": citation.chunk_id,
        "correct": chunk is not None and any(is_place(place, chunk) for place in item.places),
        "valid": valid,
    }
