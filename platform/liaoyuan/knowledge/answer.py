"""One question, one answer: retrieve, judge, quote (or generate and check), cite."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from langchain_core.language_models.chat_models import BaseChatModel

from liaoyuan.knowledge.abstain import Judgement, judge
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors
from liaoyuan.knowledge.context import edit_marks, passages_read
from liaoyuan.knowledge.contradictions import Contradiction, Side, contradictions
from liaoyuan.knowledge.errors import QuestionEmpty
from liaoyuan.knowledge.extract import Quote, extract
from liaoyuan.knowledge.generate import Prompt, generate
from liaoyuan.knowledge.ground import SentenceCheck, check_grounded, may_stand
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.places import line_boxes
from liaoyuan.knowledge.retrieve import Retrieval, chunks_permitted, retrieval_settings, retrieve
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.knowledge.text.synonyms import Synonyms

Mode = Literal["extractive", "generative"]
LONGEST_QUESTION = 2000
_NEAREST = 3

ABSTAIN_ZH = "现有文档中没有找到能够回答该问题的依据，因此不作回答。"
ABSTAIN_EN = "The documents at hand hold no evidence that answers this question, so it is not answered."
MISSING_ZH = "文档未提及：{words}。"
MISSING_EN = "Not mentioned in the documents: {words}."


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote with its place. ``quote`` is a literal substring of the chunk at ``start``..``end``; ``box`` is in
    PDF points."""

    document: str
    version: str
    locator: str
    page: int | None
    box: list[float] | None
    quote: str
    chunk_id: str
    score: float
    title: str = ""
    file: str = ""
    heading_path: list[str] = field(default_factory=list)
    document_id: str = ""
    version_id: str = ""
    start: int = 0
    end: int = 0
    blocks: list[int] = field(default_factory=list)
    # [page, x0, y0, x1, y1] of each line of the quote, where the format has lines.
    boxes: list[list[float]] = field(default_factory=list)
    # A person changed the chunk: who, when (ISO 8601), and whether the quote stands in the document all the same.
    edited_by: str = ""
    edited_at: str | None = None
    literal: bool = True
    # The line that names the columns, where the quote is rows of a table: context, part of this same citation.
    header: str = ""

    @property
    def read(self) -> str:
        """The quote as it can be understood: rows below the names of their columns."""
        return f"{self.header}\n{self.quote}" if self.header else self.quote


@dataclass(frozen=True, slots=True)
class SentenceVerdict:
    """Whether one sentence of the answer (``answer[start:end]``) is carried, by which citation (from 1), and if not,
    why: reasons as in :mod:`liaoyuan.knowledge.ground`."""

    start: int
    end: int
    supported: bool
    citation: int | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sources that differ about what was asked, by ``kind``: number, negation or modality."""

    kind: str
    left: Citation
    right: Citation


@dataclass(frozen=True, slots=True)
class KnowledgeAnswer:
    """What a person reads and what an auditor needs. ``timings`` and ``spans`` are in seconds.

    ``reason`` is empty, ``no_evidence`` or, where a generated answer was replaced by quotes, ``ungrounded``.
    ``nearest`` are the closest places, also when nothing is answered: documents to look into, not evidence.
    """

    answer: str
    abstained: bool
    reason: str
    mode: Mode
    citations: list[Citation]
    grounded: bool
    confidence: float
    nearest: list[Citation]
    timings: dict[str, float]
    spans: list[dict[str, Any]]
    missing: list[str] = field(default_factory=list)
    generated: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    sentences: list[SentenceVerdict] = field(default_factory=list)
    contradictions: list[Conflict] = field(default_factory=list)
    reranker: str = ""
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def answer_question(
    collection_id: UUID,
    question: str,
    *,
    mode: Mode = "extractive",
    day: date | None = None,
    chat: BaseChatModel | None = None,
    prompt: Prompt | None = None,
    vector: Vectors | None = None,
    engine: Embedder | None = None,
    found: Retrieval | None = None,
    synonyms: Synonyms | None = None,
    index_id: UUID | None = None,
    settings: RetrievalSettings | None = None,
) -> KnowledgeAnswer:
    """Answer from one collection inside the current tenant context. Raises QuestionEmpty.

    ``mode`` generative needs ``chat``; its answer stands only if every sentence is grounded, else the quotes are
    given instead.
    ``found`` is for a caller that has retrieved already, for the same question and day.
    """
    text = question.strip()
    if not text or len(text) > LONGEST_QUESTION:
        raise QuestionEmpty(limit=LONGEST_QUESTION)
    found = found or retrieve(
        collection_id,
        text,
        day=day,
        vector=vector,
        engine=engine,
        synonyms=synonyms,
        index_id=index_id,
        settings=settings,
    )
    began = time.perf_counter()
    verdict = judge(found.question, found.ranked, found.statistics)
    quotes = extract(found.question, found.ranked, found.statistics)
    pairs = contradictions(found.question, found.ranked, found.statistics) if verdict.answerable else []
    best = [item.candidate.chunk_id for item in found.ranked[:_NEAREST]]
    wanted = [*(quote.chunk_id for quote in quotes), *best, *(side.chunk_id for pair in pairs for side in _sides(pair))]
    # Looked up anew with the asker's rights: what is cited has passed the filter twice.
    rows = chunks_permitted(collection_id, list(dict.fromkeys(wanted)), day, index_id or found.index_id)
    nearest = [_citation(rows[key], _whole(rows[key], found)) for key in best if key in rows]
    citations = [_citation(rows[quote.chunk_id], quote) for quote in quotes if quote.chunk_id in rows]
    timings = found.timings | {"extract": time.perf_counter() - began}
    if not verdict.answerable or not citations:
        return _abstention(found, verdict, nearest, timings, mode)
    quoted = _Quoted(found, verdict, citations, nearest, _conflicts(pairs, rows))
    if mode == "generative" and chat is not None:
        cited = [rows[key] for key in dict.fromkeys(citation.chunk_id for citation in citations)]
        given = passages_read(cited, (settings or retrieval_settings(collection_id)).context)
        return _generated(quoted, given, chat, prompt, timings)
    return _extracted(quoted, timings)


def _sides(pair: Contradiction) -> tuple[Side, Side]:
    return pair.left, pair.right


def _conflicts(pairs: Sequence[Contradiction], rows: Mapping[str, Chunk]) -> list[Conflict]:
    """The pairs whose both sides the asker may read, with their places."""
    return [
        Conflict(pair.kind, *(_citation(rows[side.chunk_id], _quote(side)) for side in _sides(pair)))
        for pair in pairs
        if all(side.chunk_id in rows for side in _sides(pair))
    ]


def _quote(side: Side) -> Quote:
    return Quote(side.chunk_id, side.start, side.end, side.text, 0.0)


@dataclass(frozen=True, slots=True)
class _Quoted:
    found: Retrieval
    verdict: Judgement
    citations: list[Citation]
    nearest: list[Citation]
    conflicts: list[Conflict]


def _extracted(quoted: _Quoted, timings: dict[str, float], *, reason: str = "", generated: str = "") -> KnowledgeAnswer:
    text = compose(quoted.citations)
    return KnowledgeAnswer(
        answer=text,
        abstained=False,
        reason=reason,
        mode="extractive",
        citations=quoted.citations,
        grounded=True,
        confidence=quoted.verdict.probability,
        nearest=quoted.nearest,
        timings=_total(timings),
        spans=_spans(timings),
        generated=generated,
        sentences=verdicts(text, quoted.citations),
        contradictions=quoted.conflicts,
        reranker=quoted.found.reranker,
        notes=list(quoted.found.notes),
    )


def verdicts(
    answer: str, citations: Sequence[Citation], given: Mapping[str, str] | None = None
) -> list[SentenceVerdict]:
    """Every sentence of ``answer`` held against the quotes: carried by which, or why by none.

    ``given`` is what a model read for each cited chunk: what only the surroundings of a quote carry is told by the
    chunk's first citation.
    """
    checks = check_grounded(answer, [citation.read for citation in citations]).sentences
    found = [_told(check, range(1, len(citations) + 1)) for check in checks]
    if not given or all(verdict.supported for verdict in found):
        return found
    first: dict[str, int] = {}
    for number, citation in enumerate(citations, start=1):
        first.setdefault(citation.chunk_id, number)
    wider = check_grounded(answer, list(given.values())).sentences
    numbers = [first[key] for key in given]
    return [
        verdict if verdict.supported else _told(check, numbers) for verdict, check in zip(found, wider, strict=True)
    ]


def _told(check: SentenceCheck, numbers: Sequence[int]) -> SentenceVerdict:
    carried = check.supported and check.evidence is not None
    number = numbers[check.evidence] if carried and check.evidence is not None else None
    return SentenceVerdict(check.start, check.end, check.supported, number, check.reasons)


def compose(citations: Sequence[Citation]) -> str:
    """The quotes one below the other, each with the number of its citation; a table's header once above its rows."""
    lines, above = [], ("", "")
    for number, citation in enumerate(citations, start=1):
        known = (citation.chunk_id, citation.header) == above
        lines.append(f"{citation.quote if known else citation.read} [{number}]")
        above = (citation.chunk_id, citation.header)
    return "\n".join(lines)


def _generated(
    quoted: _Quoted, given: Mapping[str, str], chat: BaseChatModel, prompt: Prompt | None, timings: dict[str, float]
) -> KnowledgeAnswer:
    """``given`` is what the model reads for each cited chunk, and what its text is held against."""
    began = time.perf_counter()
    evidence = list(given.values())
    written = generate(chat, quoted.found.question, evidence, prompt)
    generated_at = time.perf_counter()
    stands = may_stand(written.text, evidence, cut=written.cut)
    timings = timings | {"generate": generated_at - began, "ground": time.perf_counter() - generated_at}
    if not stands:
        return _extracted(quoted, timings, reason="ungrounded", generated=written.text)
    return KnowledgeAnswer(
        answer=written.text,
        abstained=False,
        reason="",
        mode="generative",
        citations=quoted.citations,
        grounded=True,
        confidence=quoted.verdict.probability,
        nearest=quoted.nearest,
        timings=_total(timings),
        spans=_spans(timings),
        generated=written.text,
        usage=written.usage,
        sentences=verdicts(written.text, quoted.citations, given),
        contradictions=quoted.conflicts,
        reranker=quoted.found.reranker,
        notes=list(quoted.found.notes),
    )


def _abstention(
    found: Retrieval, verdict: Judgement, nearest: list[Citation], timings: dict[str, float], mode: Mode
) -> KnowledgeAnswer:
    chinese = found.question.chinese
    sentence = ABSTAIN_ZH if chinese else ABSTAIN_EN
    missing = list(verdict.missing)
    if missing and chinese:
        sentence += MISSING_ZH.format(words="、".join(missing[:5]))
    return KnowledgeAnswer(
        answer=sentence,
        abstained=True,
        reason="no_evidence",
        mode=mode,
        citations=[],
        grounded=False,
        confidence=verdict.probability,
        nearest=nearest,
        timings=_total(timings),
        spans=_spans(timings),
        missing=missing,
        reranker=found.reranker,
        notes=list(found.notes),
    )


def _whole(row: Chunk, found: Retrieval) -> Quote:
    score = next(item.score for item in found.ranked if item.candidate.chunk_id == str(row.id))
    return Quote(str(row.id), 0, len(row.text), row.text, score)


def _citation(row: Chunk, quote: Quote) -> Citation:
    version = row.version
    mark = edit_marks([row]).get(str(row.id))
    return Citation(
        edited_by=mark.author if mark else "",
        edited_at=mark.at.isoformat() if mark else None,
        literal=mark is None or mark.literal_at(quote.start, quote.end, row.text),
        document=display_name(version.document.name, row.title),
        version=version.label,
        locator=row.locator,
        page=row.page,
        box=list(row.box) if row.box else None,
        quote=quote.text,
        header=quote.header,
        chunk_id=str(row.id),
        score=round(quote.score, 4),
        title=row.title,
        file=version.file_name,
        heading_path=list(row.heading_path),
        document_id=str(version.document_id),
        version_id=str(version.id),
        start=quote.start,
        end=quote.end,
        boxes=line_boxes(row, quote.start, quote.end),
        blocks=[span[2] for span in row.spans if span[0] < quote.end and span[1] > quote.start],
    )


def _total(timings: dict[str, float]) -> dict[str, float]:
    rounded = {name: round(seconds, 5) for name, seconds in timings.items()}
    return rounded | {"total": round(sum(timings.values()), 5)}


def _spans(timings: dict[str, float]) -> list[dict[str, Any]]:
    spans = []
    start = 0.0
    for name, seconds in timings.items():
        spans.append({"name": name, "start": round(start, 5), "seconds": round(seconds, 5)})
        start += seconds
    return spans
