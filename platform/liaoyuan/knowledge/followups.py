"""What may be asked next: questions that the cited documents' neighbouring passages answer, each tried before it is
offered.

Proposed by the rules that make test questions (numbers, definitions, duties, lists, tables, headings), then searched
for with the asker's own rights and judged like any question; no model writes. What would be declined is never offered.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Final
from uuid import UUID

import numpy as np
from django.db.models import Q
from django.utils import timezone

from liaoyuan.knowledge.abstain import judge
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors, embedder_for
from liaoyuan.knowledge.answer import KnowledgeAnswer
from liaoyuan.knowledge.extract import extract
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.questions.services import digest_of
from liaoyuan.knowledge.questions.synthesis.passages import Proposal, passage_of
from liaoyuan.knowledge.questions.synthesis.picking import SAME_QUESTION
from liaoyuan.knowledge.questions.synthesis.quality import flaw_of
from liaoyuan.knowledge.questions.synthesis.rules import propose
from liaoyuan.knowledge.rerankers import FUSION, NONE
from liaoyuan.knowledge.retrieve import Retrieval, retrieval_settings, retrieve
from liaoyuan.knowledge.rewriting import TURNS_READ
from liaoyuan.knowledge.search import scope_here, visible
from liaoyuan.knowledge.settings import RetrievalSettings
from liaoyuan.knowledge.text.normalise import is_chinese, normalise, squeeze
from liaoyuan.knowledge.text.synonyms import Synonyms

# Seconds for all of it. Three questions took 0.27 in the median on two cores with ten other processes at work; a client
# of the API must not wait longer for what it can do without.
BUDGET_SECONDS = 0.4
_LIMIT: Final = 3
# Chunks before and after a cited one.
_REACH: Final = 6
_MOST_TRIED: Final = 6
# Of each of the two searches: what a question made from one passage finds is among the first.
_CANDIDATES: Final = 12
_OVERLAP, _NEARBY = 0.8, 0.4
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _Before:
    """What the person asked already, the last question last, and what the answer said."""

    questions: tuple[str, ...]
    told: str

    @property
    def last(self) -> str:
        return self.questions[-1]


def follow_ups(
    collection_id: UUID,
    answer: KnowledgeAnswer,
    *,
    asked: Sequence[str],
    limit: int = _LIMIT,
    day: date | None = None,
    synonyms: Synonyms | None = None,
    engine: Embedder | None = None,
    fits: Callable[[str], bool] | None = None,
) -> list[str]:
    """Up to ``limit`` questions that the collection answers to the asker of the current tenant context.

    ``asked`` are the conversation's questions, the answered one last; none of them comes again. ``fits`` is a caller's
    own condition (a guardrail). After an abstention only what the nearest passages themselves answer is offered, and
    only where it shares most of the question's words. Stops after BUDGET_SECONDS, the first trial always being made.
    """
    began = time.perf_counter()
    questions = tuple(each.strip() for each in asked if each.strip())
    if not questions or limit < 1:
        return []
    quotes = " ".join(citation.quote for citation in answer.citations)
    before = _Before(questions, squeeze(f"{answer.answer} {quotes}"))
    proposals = list(_fitting(_proposals(collection_id, answer, before, day), before, fits))
    offered: list[str] = []
    for question in _tried(_Scope(collection_id, day, synonyms, engine), proposals, before):
        if question:
            offered.append(question)
        if len(offered) >= limit or time.perf_counter() - began > BUDGET_SECONDS:
            break
    return offered


def _proposals(collection_id: UUID, answer: KnowledgeAnswer, before: _Before, day: date | None) -> list[Proposal]:
    """What the rules find near the evidence, the most promising first."""
    nearest_or_cited = answer.nearest if answer.abstained else answer.citations
    ids = list(dict.fromkeys(citation.chunk_id for citation in nearest_or_cited))
    seeds = _rows(collection_id, ids, day)
    words = analyse(before.last).words
    scored: list[tuple[float, Proposal]] = []
    for row in seeds if answer.abstained else _around(collection_id, seeds, day):
        for place, proposal in enumerate(_asking(row)):
            said = normalise(proposal.question)
            shared = [word for word in words if word in said]
            promise = _OVERLAP * len(shared) / max(1, len(words)) + _NEARBY * (_closeness(row, seeds) - place)
            if not answer.abstained or 2 * len(shared) > len(words):
                scored.append((proposal.weight + promise, proposal))
    return [proposal for _, proposal in sorted(scored, key=lambda each: -each[0])]


def _asking(row: Chunk) -> list[Proposal]:
    """The surest questions of one chunk first: of the later ones less is expected."""
    found = [each for each in propose(passage_of(row)) if each.answerable and each.holds]
    return sorted(found, key=lambda each: -each.weight)


def _closeness(row: Chunk, seeds: Sequence[Chunk]) -> float:
    """1 for a cited chunk, less for each chunk that lies between."""
    distances = [abs(row.ordinal - seed.ordinal) for seed in seeds if seed.version_id == row.version_id]
    return 1 / (1 + min(distances, default=_REACH))


def _around(collection_id: UUID, seeds: Sequence[Chunk], day: date | None) -> list[Chunk]:
    """The chunks around ``seeds`` in their own version and generation that the asker may read."""
    near = Q(pk__in=[])
    for seed in seeds:
        reach = (max(0, seed.ordinal - _REACH), seed.ordinal + _REACH)
        near |= Q(version_id=seed.version_id, index_id=seed.index_id, ordinal__range=reach)
    ids = Chunk.objects.filter(near, enabled=True).values_list("id", flat=True)
    return _rows(collection_id, [str(each) for each in ids], day)


def _rows(collection_id: UUID, ids: Sequence[str], day: date | None) -> list[Chunk]:
    allowed = visible(scope_here(collection_id, day or timezone.localdate()), ids)
    rows = Chunk.objects.select_related("version__document").defer("embedding", "terms").filter(id__in=allowed)
    return list(rows.order_by("version_id", "ordinal", "sub_ordinal"))


def _fitting(proposals: Sequence[Proposal], before: _Before, fits: Callable[[str], bool] | None) -> Iterator[Proposal]:
    """The first few that say something new, stand alone, and are in the asker's language."""
    known = {digest_of(question) for question in before.questions}
    chinese, left = is_chinese(before.last), _MOST_TRIED
    for proposal in proposals:
        question, digest = proposal.question, digest_of(proposal.question)
        if digest in known or is_chinese(question) != chinese or _told(proposal, before):
            continue
        if flaw_of(proposal) is not None or (fits is not None and not fits(question)):
            continue
        known.add(digest)
        yield proposal
        left -= 1
        if not left:
            return


def _told(proposal: Proposal, before: _Before) -> bool:
    """Whether the answer has said already what the question asks for."""
    return bool(proposal.quote) and squeeze(proposal.quote) in before.told


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a proposal is asked, as its asker would ask it."""

    collection_id: UUID
    day: date | None
    synonyms: Synonyms | None
    engine: Embedder | None


def _tried(scope: _Scope, proposals: Sequence[Proposal], before: _Before) -> Iterator[str]:
    """Each proposal in turn: the question where it is new and the collection answers it, else an empty text."""
    index = index_read(scope.collection_id)
    if not proposals or index is None:
        return
    engine = scope.engine or embedder_for(index.embedder)
    settings = _cheap(retrieval_settings(scope.collection_id))
    taken, embedded = _embedded(engine, before.questions[-TURNS_READ:], proposals)
    for proposal, vector in embedded:
        if max(float(_unit(vector) @ other) for other in taken) >= SAME_QUESTION:
            continue
        found = retrieve(
            scope.collection_id,
            proposal.question,
            day=scope.day,
            engine=engine,
            synonyms=scope.synonyms,
            index_id=index.id,
            settings=settings,
        )
        holds = _answers(found, proposal)
        taken += [_unit(vector)] if holds else []
        yield proposal.question if holds else ""


def _embedded(
    engine: Embedder, asked: Sequence[str], proposals: Sequence[Proposal]
) -> tuple[list[Vectors], Iterator[tuple[Proposal, Vectors]]]:
    """The vectors of what was asked, and each proposal with its own; at first as many as are wanted, in one call with
    what was asked, since mostly the first ones hold."""
    first, rest = proposals[:_LIMIT], proposals[_LIMIT:]
    vectors = engine.embed([*asked, *(each.question for each in first)], "query")

    def later() -> Iterator[tuple[Proposal, Vectors]]:
        if rest:
            yield from zip(rest, engine.embed([each.question for each in rest], "query"), strict=True)

    beginning = zip(first, vectors[len(asked) :], strict=True)
    return [_unit(vector) for vector in vectors[: len(asked)]], chain(beginning, later())


def _unit(vector: Vectors) -> Vectors:
    plain = np.asarray(vector, dtype=np.float32)
    return plain / max(float(np.linalg.norm(plain)), _TINY)


def _cheap(settings: RetrievalSettings) -> RetrievalSettings:
    """The collection's own search among fewer candidates, by no sentences and no cross-encoder elsewhere: a trial is
    quick."""
    fewer = {"candidates": min(settings.candidates, _CANDIDATES), "sentences": "never"}
    own = settings.reranker in {FUSION, NONE}
    return settings.model_copy(update=fewer if own else fewer | {"reranker": FUSION})


def _answers(found: Retrieval, proposal: Proposal) -> bool:
    """Whether it would be answered, and with the words that it was made from."""
    if not judge(found.question, found.ranked, found.statistics).answerable:
        return False
    quoted = squeeze(" ".join(quote.text for quote in extract(found.question, found.ranked, found.statistics)))
    return any(squeeze(literal) in quoted for literal in proposal.literals)
