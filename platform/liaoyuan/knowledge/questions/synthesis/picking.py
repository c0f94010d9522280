"""Which proposals a person is asked to look at: none broken, none twice, no document, type or length more than its
share. What is left out is counted by its reason."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.questions.services import digest_of
from liaoyuan.knowledge.questions.synthesis.passages import Proposal
from liaoyuan.knowledge.questions.synthesis.quality import Flaw, boilerplate, flaw_of
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze

# Of the e5 models' cosines: rephrasings of one question lie above, neighbouring questions below.
SAME_QUESTION: Final = 0.965
UNANSWERABLE_SHARE: Final = 0.2
_A_PASSAGE: Final = 2
# One thing that nobody wrote about may be asked of so many documents: more would be the same question again.
_A_FORM: Final = 2
# Characters of a question that is short, and of one that is long, in Chinese; English takes more for the same.
_SHORT_ZH, _LONG_ZH = 18, 36
_ENGLISH_LONGER: Final = 3


@dataclass(frozen=True, slots=True)
class Picked:
    """The proposals for review, and how many were left out for which :class:`Flaw`."""

    chosen: list[Proposal]
    left_out: dict[str, int] = field(default_factory=dict)


def pick(
    proposals: Iterable[Proposal],
    *,
    target: int,
    taken: Sequence[str],
    engine: Embedder,
    answered: Callable[[Proposal], bool] = lambda proposal: False,
) -> Picked:
    """Up to ``target`` proposals; ``taken`` are the questions that the collection has already. ``answered`` says of an
    unanswerable one that the collection does hold its answer."""
    left: Counter[Flaw] = Counter()
    found = _sound(list(proposals), {digest_of(question) for question in taken}, left)
    unanswerable = math.floor(target * UNANSWERABLE_SHARE)
    answerable = _shared([each for each in found if each.answerable], target * 2)
    strange = _strange([each for each in found if not each.answerable], unanswerable, answered, left)
    kept = distinct([*answerable, *strange], taken, engine)
    left[Flaw.TWIN] += len(answerable) + len(strange) - len(kept)
    right = _capped([each for each in kept if each.answerable], target - unanswerable)
    chosen = [*right, *[each for each in kept if not each.answerable][:unanswerable]]
    return Picked(chosen, {flaw.value: count for flaw, count in left.items() if count})


def _sound(proposals: Sequence[Proposal], known: set[str], left: Counter[Flaw]) -> list[Proposal]:
    """Those without a flaw, each question once; the flaws of the others are counted."""
    common = boilerplate(proposals)
    found: dict[str, Proposal] = {}
    differing: set[str] = set()
    for place, proposal in enumerate(proposals):
        key = digest_of(proposal.question)
        flaw = flaw_of(proposal) or (Flaw.BOILERPLATE if place in common else None)
        if flaw is None and key in known:
            flaw = Flaw.KNOWN
        if flaw is None and key in found:
            flaw = Flaw.TWIN
            if _said(found[key]) != _said(proposal):
                differing.add(key)
        if flaw is None:
            found[key] = proposal
        else:
            left[flaw] += 1
    left[Flaw.AMBIGUOUS] += len(differing)
    return [proposal for key, proposal in found.items() if key not in differing]


def _said(proposal: Proposal) -> frozenset[str]:
    return frozenset(squeeze(literal) for literal in proposal.literals)


def _strange(
    proposals: Sequence[Proposal], wanted: int, answered: Callable[[Proposal], bool], left: Counter[Flaw]
) -> list[Proposal]:
    """Unanswerable ones, each thing asked for in turn, none too often; only what is looked at is searched for."""
    waiting: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in sorted(proposals, key=lambda each: -each.weight):
        waiting[proposal.form].append(proposal)
    in_turn = [listed[turn] for turn in range(_A_FORM) for listed in waiting.values() if turn < len(listed)]
    chosen: list[Proposal] = []
    for proposal in in_turn:
        if len(chosen) >= wanted * 2:
            break
        if answered(proposal):
            left[Flaw.ANSWERED] += 1
        else:
            chosen.append(proposal)
    return chosen


def _shared(proposals: Sequence[Proposal], most: int) -> list[Proposal]:
    """Document by document in turn, inside one the type and the length that there is least of, the surest first."""
    waiting: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        waiting[str(proposal.passage.document_id)].append(proposal)
    seen: Counter[tuple[str, str]] = Counter()
    chosen: list[Proposal] = []
    while waiting and len(chosen) < most:
        for document in list(waiting):
            best = _next(waiting[document], document, seen)
            if best is None:
                del waiting[document]
                continue
            waiting[document].remove(best)
            passage = str(best.passage.chunk_id)
            seen.update([(document, best.type), ("passage", passage), ("type", best.type)])
            seen["length", _length(best.question)] += 1
            chosen.append(best)
    return chosen[:most]


def _next(proposals: Sequence[Proposal], document: str, seen: Counter[tuple[str, str]]) -> Proposal | None:
    """What its document, then the whole, has least of: by type, then by length; the surest of those."""
    free = [each for each in proposals if seen["passage", str(each.passage.chunk_id)] < _A_PASSAGE]

    def rank(each: Proposal) -> tuple[float, ...]:
        return (
            seen[document, each.type],
            seen["passage", str(each.passage.chunk_id)],
            seen["type", each.type],
            seen["length", _length(each.question)],
            -each.weight,
        )

    return min(free, key=rank, default=None)


def _length(question: str) -> str:
    stretch = 1 if is_chinese(question) else _ENGLISH_LONGER
    if len(question) <= _SHORT_ZH * stretch:
        return "short"
    return "long" if len(question) > _LONG_ZH * stretch else "middling"


def _capped(proposals: Sequence[Proposal], most: int) -> list[Proposal]:
    """No document gives more than its share, where there are others that could."""
    documents = {each.passage.document_id for each in proposals}
    cap = max(2, math.ceil(most / max(1, len(documents)) * 2))
    counts: dict[str, int] = defaultdict(int)
    kept: list[Proposal] = []
    for proposal in proposals:
        key = str(proposal.passage.document_id)
        if len(kept) < most and counts[key] < cap:
            counts[key] += 1
            kept.append(proposal)
    return kept


def distinct(proposals: Sequence[Proposal], taken: Sequence[str], engine: Embedder) -> list[Proposal]:
    """Without those that mean the same as one before them, or as a question that is there already."""
    if not proposals:
        return []
    texts = [*taken, *(each.question for each in proposals)]
    vectors = np.asarray(engine.embed(texts, "query"), dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    kept_rows = list(range(len(taken)))
    kept = []
    for row, proposal in enumerate(proposals, start=len(taken)):
        if kept_rows and float((vectors[kept_rows] @ vectors[row]).max()) >= SAME_QUESTION:
            continue
        kept_rows.append(row)
        kept.append(proposal)
    return kept
