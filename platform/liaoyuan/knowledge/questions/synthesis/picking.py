"""Which proposals a person is asked to look at: none trivial, none twice, no document more than its share."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.questions.services import digest_of
from liaoyuan.knowledge.questions.synthesis.passages import Proposal
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze

# Of the e5 models' cosines: rephrasings of one question lie above, neighbouring questions below.
SAME_QUESTION: Final = 0.965
UNANSWERABLE_SHARE: Final = 0.2
_A_PASSAGE: Final = 2
_SEVERAL_DOCUMENTS: Final = 2
_SHORTEST, _LONGEST_ZH, _LONGEST_EN = 7, 110, 240
_DANGLING: Final = re.compile(r"^[，。；、）)]|[（(【“][^）)】”]*$|“[^”]*$|\.\.|？.+？")


def trivial(proposal: Proposal) -> bool:
    """Whether the question gives its answer away, asks nothing, or dangles."""
    question = proposal.question
    longest = _LONGEST_ZH if is_chinese(question) else _LONGEST_EN
    if not _SHORTEST <= len(question) <= longest or _DANGLING.search(question.rstrip("？?")):
        return True
    asked = squeeze(question)
    if any(squeeze(literal) in asked for literal in proposal.literals):
        return True
    return len(analyse(question).words) < 2


def without_boilerplate(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Without what stands alike in several documents: a masthead or a disclaimer answers no question of one of them."""
    documents: dict[str, set[object]] = defaultdict(set)
    for proposal in proposals:
        documents[squeeze(proposal.question)].add(proposal.passage.document_id)
    return [each for each in proposals if len(documents[squeeze(each.question)]) < _SEVERAL_DOCUMENTS]


def pick(proposals: Iterable[Proposal], *, target: int, taken: Sequence[str], engine: Embedder) -> list[Proposal]:
    """Up to ``target`` proposals; ``taken`` are the questions that the collection has already."""
    known = {digest_of(question) for question in taken}
    found: dict[str, Proposal] = {}
    for proposal in proposals:
        key = digest_of(proposal.question)
        fits = not proposal.answerable or proposal.holds
        if key not in known and key not in found and fits and not trivial(proposal):
            found[key] = proposal
    unanswerable = math.floor(target * UNANSWERABLE_SHARE)
    answerable = _shared([each for each in found.values() if each.answerable], target * 2)
    strange = _shared([each for each in found.values() if not each.answerable], unanswerable * 2)
    kept = distinct([*answerable, *strange], taken, engine)
    right = _capped([each for each in kept if each.answerable], target - unanswerable)
    return [*right, *[each for each in kept if not each.answerable][:unanswerable]]


def _shared(proposals: Sequence[Proposal], most: int) -> list[Proposal]:
    """Document by document in turn, inside one the type that it has least of, the surest first."""
    waiting: dict[str, list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        waiting[str(proposal.passage.document_id)].append(proposal)
    for listed in waiting.values():
        listed.sort(key=lambda each: -each.weight)
    types: dict[tuple[str, str], int] = defaultdict(int)
    passages: dict[str, int] = defaultdict(int)
    chosen: list[Proposal] = []
    while waiting and len(chosen) < most:
        for document in list(waiting):
            best = _next(waiting[document], document, types, passages)
            if best is None:
                del waiting[document]
                continue
            waiting[document].remove(best)
            types[document, best.type] += 1
            passages[str(best.passage.chunk_id)] += 1
            chosen.append(best)
    return chosen[:most]


def _next(
    proposals: Sequence[Proposal], document: str, types: dict[tuple[str, str], int], passages: dict[str, int]
) -> Proposal | None:
    free = [each for each in proposals if passages[str(each.passage.chunk_id)] < _A_PASSAGE or not each.answerable]
    if not free:
        return None
    return min(free, key=lambda each: (types[document, each.type], passages[str(each.passage.chunk_id)], -each.weight))


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
