"""Fusion of vector and word search, and a light reranker of features with stored weights.

The weights come from ``benchmarks/knowledge_fit.py``, which learns them pairwise on question sets; they live as
JSON beside this file.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liaoyuan.knowledge.question import Kind, Question, fits
from liaoyuan.knowledge.text.normalise import normalise, squeeze
from liaoyuan.knowledge.text.segment import names_a_thing
from liaoyuan.knowledge.text.sentences import sentences

_RRF_CONSTANT = 20
_SATURATION, _LENGTH_NORMAL = 1.2, 0.6
FEATURES = (
    "cosine",
    "fusion",
    "bm25",
    "coverage",
    "characters",
    "sentence",
    "heading",
    "title",
    "kind",
    "unit",
    "numbers",
    "length",
    "sanction",
    "forbidden",
    "definition",
    "things",
    "doings",
    "items",
    "everyday",
)
# The cosine of the nearest sentence, which only the best few have (:mod:`liaoyuan.knowledge.nearness`).
LIKENESS = "likeness"
# A rule and the sanction for breaking it use the same words; which of the two is asked is told by the question.
_SANCTION = re.compile(
    r"罚款|责令(?:限期)?改正|吊销|没收|给予(?:警告|处分|行政处分|降级|撤职|开除)"
    r"|追究(?:刑事|法律)责任|予以处罚|shall be fined|penalt(?:y|ies) of"
)
_SANCTION_PLACE = re.compile(r"法律责任|罚\s*则|处罚|奖惩|penalt|sanction|liabilit", re.IGNORECASE)
_FORBIDDEN = re.compile(r"不得|禁止|严禁|不准|不应|\b(?:must|shall|may) not\b|prohibited|forbidden", re.IGNORECASE)
_ASKS_FORBIDDEN = re.compile(
    r"不能|不得|不可以|禁止|不准|不许|不允许|能不能|能否|可不可以|可以.*吗|能.*吗|行吗"
    r"|not allowed|forbidden|prohibited|^(?:can|may)\b",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r"是指|所称|指的是|定义|\bmeans\b|refers to|defined as", re.IGNORECASE)
_LISTED = re.compile(r"[（(][一二三四五六七八九十\d]+[)）]|^\s*(?:[-•·]|\d{1,2}[.、)）])", re.MULTILINE)
_LIST_LENGTH = 3
_ASKS_DEFINITION = re.compile(
    r"什么(?:是|叫|属于)|是什么(?:意思)?[？?]?$|指(?:的是)?什么|含义|定义|算不算"
    r"|what (?:is|are) (?:an? )?[\w -]+\?*$|define",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statistics:
    """How common the question's terms are among the chunks the asker may read."""

    chunks: int
    frequency: Mapping[str, int]
    mean_terms: float

    def idf(self, term: str) -> float:
        """Robertson's inverse document frequency, always positive."""
        seen = self.frequency.get(term, 0)
        return math.log(1 + (self.chunks - seen + 0.5) / (seen + 0.5))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by either search. ``cosine`` and ``lexical`` are raw scores."""

    chunk_id: str
    title: str
    heading: str
    text: str
    cosine: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its final score and the features that made it. ``nearest`` is where its sentence stands that is
    nearest in meaning, where sentences were compared; its cosine is the feature ``LIKENESS``."""

    candidate: Candidate
    score: float
    features: dict[str, float]
    nearest: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Legs:
    """What each of the two searches counts; 1 and 1 is what the weights were learned with."""

    vector: float = 1.0
    words: float = 1.0


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[str]], weights: Sequence[float] = (), constant: int = _RRF_CONSTANT
) -> dict[str, float]:
    """Cormack's reciprocal rank fusion: the weighted sum over rankings of 1 / (constant + rank), rank from 1."""
    scores: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for place, key in enumerate(ranking, start=1):
            scores[key] = scores.get(key, 0.0) + weight / (constant + place)
    return scores


def rank(
    question: Question,
    candidates: Sequence[Candidate],
    statistics: Statistics,
    *,
    legs: Legs | None = None,
    weights: Mapping[str, float] | None = None,
) -> list[Ranked]:
    """Orders ``candidates`` best first. ``weights`` by feature stand in for the stored ones."""
    if not candidates:
        return []
    legs = legs or Legs()
    table = feature_table(question, candidates, statistics, legs)
    own = np.asarray([weights.get(name, 0.0) for name in FEATURES]) if weights else _weights()
    by_leg = {"cosine": legs.vector, "bm25": legs.words}
    scores = table @ (own * np.asarray([by_leg.get(name, 1.0) for name in FEATURES]))
    ranked = [
        Ranked(candidate, float(score), dict(zip(FEATURES, map(float, row), strict=True)))
        for candidate, score, row in zip(candidates, scores, table, strict=True)
    ]
    return sorted(ranked, key=lambda item: -item.score)


def leg_orders(candidates: Sequence[Candidate]) -> tuple[list[str], list[str]]:
    """The chunk ids as each search alone orders them: by vector, and by words where any were found."""
    return (
        [item.chunk_id for item in sorted(candidates, key=lambda item: -item.cosine)],
        [item.chunk_id for item in sorted(candidates, key=lambda item: -item.lexical) if item.lexical > 0],
    )


def feature_table(
    question: Question, candidates: Sequence[Candidate], statistics: Statistics, legs: Legs | None = None
) -> NDArray[np.float64]:
    """Shape (candidates, features), in the order of ``FEATURES``."""
    legs = legs or Legs()
    best = max(candidate.cosine for candidate in candidates)
    fused = reciprocal_rank_fusion(leg_orders(candidates), (legs.vector, legs.words))
    # Without the only leg that found anything every fused score is zero.
    top = max(fused.values()) or 1.0
    weights = {term: statistics.idf(term) for term in question.terms}
    asked = _Asked(question, weights, _character_weights(question, candidates))
    texts = [normalise(candidate.text) for candidate in candidates]
    counts = [asked.finder.counts(text) for text in texts]
    mean = sum(map(len, texts)) / len(texts)
    lengths = [len(text) / mean for text in texts]
    bm25 = _shares_of_best(counts, weights, lengths)
    wider = _shares_of_best(_widened(question, texts, counts), weights, lengths) if question.perhaps else bm25
    rows = []
    for place, (candidate, found) in enumerate(zip(candidates, counts, strict=True)):
        row = _Features(asked, candidate).values(found)
        row |= {
            "cosine": (candidate.cosine - best) * 10,
            "fusion": fused[candidate.chunk_id] / top,
            "bm25": bm25[place],
            "everyday": wider[place] - bm25[place],
        }
        rows.append([row[name] for name in FEATURES])
    return np.asarray(rows, dtype=np.float64)


def share(weights: Mapping[str, float], found: Collection[str]) -> float:
    """The weighted share of ``weights``' keys that are in ``found``; 0 where there is nothing to find."""
    whole = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in found) / whole if whole else 0.0


def _shares_of_best(
    counts: Sequence[Mapping[str, int]], weights: Mapping[str, float], lengths: Sequence[float]
) -> list[float]:
    """BM25 of each text as a share of the best one's."""
    found = [_bm25(each, weights, length) for each, length in zip(counts, lengths, strict=True)]
    strongest = max(found) or 1.0
    return [each / strongest for each in found]


def _widened(question: Question, texts: Sequence[str], counts: Sequence[Mapping[str, int]]) -> list[Mapping[str, int]]:
    """``counts`` of the terms in each text, and how often it says an everyday one by what documents may call it."""
    finder = question.guesses()
    more = [finder.counts(text) for text in texts]
    return [
        {**found, **{term: found.get(term, 0) + count for term, count in said.items()}} if said else found
        for found, said in zip(counts, more, strict=True)
    ]


def _bm25(counts: Mapping[str, int], weights: Mapping[str, float], relative_length: float) -> float:
    norm = _SATURATION * (1 - _LENGTH_NORMAL + _LENGTH_NORMAL * relative_length)
    return sum(weights[term] * count * (_SATURATION + 1) / (count + norm) for term, count in counts.items())


def _character_weights(question: Question, candidates: Sequence[Candidate]) -> dict[str, float]:
    # Colloquial and official words often share one character (暂存, 贮存), which neither words nor pairs can see.
    letters = dict.fromkeys(character for word in question.words for character in word if not character.isascii())
    seen = Counter(letter for candidate in candidates for letter in letters.keys() & set(candidate.text))
    size = len(candidates)
    return {letter: math.log(1 + (size + 1) / (1 + seen[letter])) for letter in letters}


class _Asked:
    """What is the same for every candidate of one question."""

    __slots__ = ("definition", "doings", "finder", "forbidden", "letters", "question", "things", "weights", "whole")

    def __init__(self, question: Question, weights: Mapping[str, float], letters: Mapping[str, float]) -> None:
        self.question = question
        self.weights = weights
        self.whole = sum(weights.values())
        self.letters = letters
        # People call things by few names and say what happens to them in many words.
        self.things = {word: weights[word] for word in question.words if names_a_thing(word)}
        self.doings = {word: weights[word] for word in question.words if word not in self.things}
        self.finder = question.finder()
        self.forbidden = _ASKS_FORBIDDEN.search(question.text) is not None
        self.definition = _ASKS_DEFINITION.search(question.text) is not None

    def share(self, found: Iterable[str]) -> float:
        """As :func:`share` of the terms' weights; ``found`` are terms of the question, each once, in its order."""
        return sum([self.weights[term] for term in found]) / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class _Features:
    asked: _Asked
    candidate: Candidate

    def values(self, found: Mapping[str, int]) -> dict[str, float]:
        """What the candidate's own text tells; ``found`` counts the question's terms in it."""
        asked, text = self.asked, self.candidate.text
        title, heading = self._in(self.candidate.title), self._in(self.candidate.heading)
        anywhere = {*found, *title, *heading}
        return {
            "coverage": asked.share(term for term in asked.weights if term in anywhere),
            "characters": share(asked.letters, asked.letters.keys() & set(text)),
            "heading": asked.share(heading),
            "title": asked.share(title),
            "numbers": self._numbers(),
            "length": math.log1p(len(text)) / 5,
            "sanction": self._sanction(),
            "things": share(asked.things, anywhere),
            "doings": share(asked.doings, anywhere),
            "items": float(asked.question.kind is Kind.LIST and len(_LISTED.findall(text)) >= _LIST_LENGTH),
            **self._sentence(found),
        }

    def _in(self, text: str) -> list[str]:
        return self.asked.finder.within(normalise(text)) if text else []

    def _sentence(self, found: Mapping[str, int]) -> dict[str, float]:
        """Coverage by the best single sentence, and by the best one that fits the kind or the unit asked for."""
        asked, text = self.asked, self.candidate.text
        parts = [part.of(text) for part in sentences(text)]
        shares = self._shares(parts, found)
        best = max(shares, default=0.0)
        # Only the few best sentences are worth the look for numbers and bodies.
        close = [part for part in zip(shares, parts, strict=True) if part[0] > 0 and part[0] >= best / 2]
        fit = max((covered for covered, part in close if fits(asked.question, part)), default=0.0)
        amount = asked.question.kind is Kind.AMOUNT
        return {
            "sentence": best,
            "kind": 0.0 if amount else fit,
            "unit": fit if amount else 0.0,
            "forbidden": _best_with(_FORBIDDEN, close) if asked.forbidden else 0.0,
            "definition": _best_with(_DEFINITION, close) if asked.definition else 0.0,
        }

    def _shares(self, parts: Sequence[str], found: Mapping[str, int]) -> list[float]:
        # A sentence holds no word that the whole does not.
        finder = self.asked.finder.narrowed(found)
        folded = map(normalise, parts) if finder.folds(self.candidate.text, found) else parts
        return [self.asked.share(finder.within(part)) for part in folded]

    def _sanction(self) -> float:
        """1 for a sanction where one is asked, -1 where the rule itself is asked, 0 for everything else."""
        place = f"{self.candidate.title} {self.candidate.heading}"
        if not (_SANCTION_PLACE.search(place) or _SANCTION.search(self.candidate.text)):
            return 0.0
        return 1.0 if self.asked.question.kind is Kind.PENALTY else -1.0

    def _numbers(self) -> float:
        """The share of the question's own numbers that the chunk repeats."""
        numbers = self.asked.question.numbers
        if not numbers:
            return 0.0
        text = squeeze(self.candidate.text)
        return sum(number.value in text for number in numbers) / len(numbers)


def _best_with(holds: re.Pattern[str], close: Sequence[tuple[float, str]]) -> float:
    """Coverage by the best sentence that ``holds`` what the question asks for."""
    return max((covered for covered, part in close if holds.search(part)), default=0.0)


def stock_weights() -> dict[str, float]:
    """The weights that the platform brings, by feature."""
    return dict(zip(FEATURES, map(float, _weights()), strict=True))


@lru_cache(maxsize=1)
def sentence_weight() -> float:
    """What a difference of 1 in ``LIKENESS`` counts, in the scores' log odds."""
    return float(_stored()[LIKENESS])


def fused(features: Mapping[str, float]) -> float:
    """The score by the platform's own weights, whoever put the candidates in order."""
    return float(_weights() @ np.asarray([features[name] for name in FEATURES]))


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float64]:
    stored = _stored()
    return np.asarray([float(stored[name]) for name in FEATURES])


def _stored() -> Mapping[str, Any]:
    text = (Path(__file__).parent / "weights" / "rank.json").read_text(encoding="utf-8")
    weights: Mapping[str, Any] = json.loads(text)["weights"]
    return weights
