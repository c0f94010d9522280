"""Two sources that say different things about the same: found by comparing sentences, shown side by side.

Nothing is guessed: two sentences count only if they share most of their words, speak of what was asked, stand in
different places, and differ in a number of the same unit, in negation, or in must against may.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from liaoyuan.knowledge.question import Question
from liaoyuan.knowledge.rank import Ranked, Statistics, share
from liaoyuan.knowledge.text.facts import base_quantities, negations
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.knowledge.text.segment import names_a_thing, words
from liaoyuan.knowledge.text.sentences import Sentence, sentences

Difference = Literal["number", "negation", "modality"]
READ = 6
# The number of an article or a list item measures nothing.
_NO_MEASURE = frozenset(["", "条", "款", "项", "章", "页", "种", "类", "级", "个", "份", "件"])
# Shares of common words; below them two sentences are about neighbouring things, not about the same one.
_ALIKE, _ALIKE_WITHOUT_NUMBER = 0.6, 0.8
# Clauses are short: what two of them share must be nearly all.
_ALIKE_CLAUSES = 0.75
_CLAUSES = re.compile(r"[，,；;]\s*")
_ASKED = 0.45
_FEWEST_WORDS = 3
_DIGITS = re.compile(r"\d|^[零〇一二两三四五六七八九十百千万亿]+")
_HEAD = re.compile(r"^\s*第[〇零一二两三四五六七八九十百千\d]+[条章节款项]|^\s*\d+(?:\.\d+)*[.、\s]")
_MUST = re.compile(r"应当|必须|应(?!急|用|对|收|届)|须|不得|禁止|严禁|\b(?:must|shall|required)\b")
_MAY = re.compile(r"可以|可(?!能|靠|行|疑|燃|见|持续|再生)|宜|\b(?:may|can|optional(?:ly)?|recommended)\b")
_LACKS = re.compile(r"无(?!论|菌|线|人|障碍|机|形)|\bwithout\b")
# Sanctions are graded on purpose: another fine for another deed is no contradiction.
_GRADED = re.compile(r"罚款|处分|情节|\bfines?\b|penalt")


@dataclass(frozen=True, slots=True)
class Side:
    """A sentence with its place: ``text`` is ``chunk.text[start:end]``."""

    chunk_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two sentences that cannot both be followed."""

    kind: Difference
    left: Side
    right: Side


def contradictions(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> list[Contradiction]:
    """Pairs among the best chunks; each pair of chunks is told once, by its first difference."""
    weights = {word: statistics.idf(word) for word in question.words}
    said = [(item, _about(question, item, weights)) for item in ranked[:READ]]
    found = []
    for place, (left, mine) in enumerate(said):
        for right, theirs in said[place + 1 :]:
            pair = _first(left, mine, right, theirs)
            if pair is not None:
                found.append(pair)
    return found


def _about(question: Question, item: Ranked, weights: dict[str, float]) -> list[Sentence]:
    """The sentences of a chunk that speak of what was asked."""
    text = item.candidate.text
    around = set(question.counts(weights, item.candidate.heading))
    return [
        part
        for part in sentences(text)
        if share(weights, around | set(question.counts(weights, part.of(text)))) >= _ASKED
        and not _GRADED.search(part.of(text))
    ]


def _first(left: Ranked, mine: Sequence[Sentence], right: Ranked, theirs: Sequence[Sentence]) -> Contradiction | None:
    for a in mine:
        for b in theirs:
            one, other = a.of(left.candidate.text), b.of(right.candidate.text)
            kind = differs(one, other)
            if kind is not None:
                return Contradiction(kind, _side(left, a), _side(right, b))
    return None


def _side(item: Ranked, part: Sentence) -> Side:
    return Side(item.candidate.chunk_id, part.start, part.end, part.of(item.candidate.text))


def differs(one: str, other: str) -> Difference | None:
    """How two sentences about the same differ; None where they agree or are about different things."""
    if squeeze(one) == squeeze(other):
        return None
    return _whole(one, other) or ("number" if _measures_differ(one, other) else None)


def _whole(one: str, other: str) -> Difference | None:
    mine, theirs = _subject(one), _subject(other)
    if min(len(mine), len(theirs)) < _FEWEST_WORDS:
        return None
    alike = len(mine & theirs) / len(mine | theirs)
    if alike < _ALIKE or _about_others(one, other, mine, theirs):
        return None
    if _numbers_differ(one, other):
        return "number"
    if alike < _ALIKE_WITHOUT_NUMBER:
        return None
    if (negations(one) > 0) != (negations(other) > 0):
        return "negation"
    return "modality" if _modality(one) != _modality(other) and _modality(one) and _modality(other) else None


def _measures_differ(one: str, other: str) -> bool:
    """Whether of two sentences, at least one of which measures several things, two measures of the same thing differ:
    against 原件保存2年 speaks the first half of 原件保存3年，复印件保存2年."""
    mine, theirs = _measures(one), _measures(other)
    if max(len(mine), len(theirs)) < 2:
        return False
    pairs = [(a, b) for a in mine for b in theirs if _same_clause(a, b)]
    agreed = {part for a, b in pairs if base_quantities(a) == base_quantities(b) for part in (a, b)}
    return any(_numbers_differ(a, b) for a, b in pairs if not {a, b} & agreed)


def _measures(text: str) -> list[str]:
    """The clauses that hold a measure, each with the clauses before it that hold none: its condition."""
    found, waiting = [], ""
    for clause in _CLAUSES.split(_HEAD.sub("", text)):
        waiting = f"{waiting}，{clause}" if waiting else clause
        if any(unit not in _NO_MEASURE for _, unit in base_quantities(clause)):
            found.append(waiting)
            waiting = ""
    return found


def _same_clause(one: str, other: str) -> bool:
    mine, theirs = _subject(one), _subject(other)
    if min(len(mine), len(theirs)) < _FEWEST_WORDS or _about_others(one, other, mine, theirs):
        return False
    # 一级 and 三级 are told apart by what measures nothing.
    return _named(one) == _named(other) and len(mine & theirs) / len(mine | theirs) >= _ALIKE_CLAUSES


def _named(text: str) -> set[tuple[Decimal, str]]:
    return {quantity for quantity in base_quantities(text) if quantity[1] in _NO_MEASURE}


def _subject(text: str) -> set[str]:
    return {word for word in words(text) if not _DIGITS.match(word)}


def _about_others(one: str, other: str, mine: set[str], theirs: set[str]) -> bool:
    """Whether each names what the other does not (住院病历 and 门诊病历, the first and the second reminder), or one is
    the other's opposite case (未经批准 and 经批准, 有 and 无)."""
    if any(map(names_a_thing, mine - theirs)) and any(map(names_a_thing, theirs - mine)):
        return True
    opposite = bool(_LACKS.search(one)) != bool(_LACKS.search(other))
    return opposite or abs(negations(one) - negations(other)) > 1


def _numbers_differ(one: str, other: str) -> bool:
    """Both give exactly one value in a common unit, the values differ, and no other measure does: of 35 kV and of
    110 kV different distances are true."""
    one, other = _HEAD.sub("", one), _HEAD.sub("", other)
    mine, theirs = base_quantities(one), base_quantities(other)
    units = ({unit for _, unit in mine} | {unit for _, unit in theirs}) - _NO_MEASURE
    values = [({v for v, own in mine if own == unit}, {v for v, own in theirs if own == unit}) for unit in units]
    differ = [(left, right) for left, right in values if left != right]
    return len(differ) == 1 and all(len(side) == 1 for side in differ[0])


def _modality(text: str) -> str:
    must, may = bool(_MUST.search(text)), bool(_MAY.search(text))
    return "" if must == may else ("must" if must else "may")
