"""When to say nothing: a calibrated guess whether the evidence answers the question.

A few small networks over a handful of readable features, monotone in each: what speaks for an answer never makes one
less likely. ``benchmarks/knowledge_fit.py`` learns their weights on questions with and without an answer in the
collection, and writes them as JSON beside this file. Nothing here knows any single question.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liaoyuan.knowledge.question import Kind, Question, fits
from liaoyuan.knowledge.rank import LIKENESS, Ranked, Statistics, fused, share
from liaoyuan.knowledge.text.normalise import squeeze
from liaoyuan.knowledge.text.sentences import sentences

FEATURES = (
    "cosine",
    "margin",
    "words_top",
    "words_three",
    "rarest",
    "unknown",
    "sentence",
    "fit",
    "no_unit",
    "characters",
    "lexical",
    "entity",
    "number",
    "focus",
    "nearest",
    "amount",
    "apart",
    "sure",
    "told",
)
# Known only where the question was compared with the sentences of the best passages: without, other weights judge.
BY_SENTENCES = frozenset({"told"})
_READ = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to answer, how sure (probability that the evidence answers), and the features behind it."""

    answerable: bool
    probability: float
    features: dict[str, float]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Network:
    """``inputs`` (hidden, features), ``biases`` and ``outputs`` (hidden)."""

    inputs: NDArray[np.float64]
    biases: NDArray[np.float64]
    outputs: NDArray[np.float64]
    bias: float

    def probability(self, scaled: NDArray[np.float64]) -> float:
        odds = float(self.outputs @ np.tanh(self.inputs @ scaled + self.biases)) + self.bias
        return 1 / (1 + math.exp(-odds))


@dataclass(frozen=True, slots=True)
class JudgementModel:
    """How the features of a question make a probability."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    reach: float
    networks: tuple[_Network, ...]
    threshold: float

    def probability(self, values: Mapping[str, float]) -> float:
        """The mean of the networks; a feature far outside of what was learned from counts as its edge."""
        given = np.array([values[name] for name in FEATURES])
        scaled = np.clip((given - self.mean) / self.spread, -self.reach, self.reach)
        return sum(network.probability(scaled) for network in self.networks) / len(self.networks)


def judge(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> Judgement:
    """Decides on the best few results. Without any result, or without a subject in the question, never answerable."""
    if not ranked or not question.words:
        return Judgement(
            answerable=False, probability=0.0, features=dict.fromkeys(FEATURES, 0.0), missing=question.words
        )
    values = features(question, ranked, statistics)
    model = _model("zh" if question.chinese else "en", any(LIKENESS in item.features for item in ranked))
    probability = model.probability(values)
    covered = _covered(question, ranked[:_READ])
    missing = tuple(word for word in question.words if word not in covered)
    answerable = probability >= model.threshold and not _asks_for_the_unheard(question, statistics)
    return Judgement(answerable, probability, values, missing)


def _asks_for_the_unheard(question: Question, statistics: Statistics) -> bool:
    """Whether the person asked for (the 组长 of 组长是谁) is somebody whom nothing that the asker may read mentions.

    Amounts go by too many names for that: 送检率要达到多少 asks for what a text calls 不低于.
    """
    if question.kind is not Kind.WHO:
        return False
    focus = question.focus
    names = (focus, *question.variants.get(focus, ()))
    return focus in question.words and not any(statistics.frequency.get(name, 0) for name in names)


def features(question: Question, ranked: Sequence[Ranked], statistics: Statistics) -> dict[str, float]:
    """The model's inputs, each about 0 to 1."""
    weights = {word: statistics.idf(word) for word in question.words}
    first = ranked[0].candidate
    top = _covered(question, ranked[:1])
    three = _covered(question, ranked[:_READ])
    best = max(item.candidate.cosine for item in ranked)
    cosines = sorted((item.candidate.cosine for item in ranked), reverse=True)
    tail = cosines[min(len(cosines) - 1, 9)]
    rarest = max(weights, key=lambda word: weights[word])
    fit, whole = _sentence(question, ranked[:_READ], weights)
    return {
        "cosine": (first.cosine - 0.8) * 10,
        "margin": (best - tail) * 20,
        "words_top": share(weights, top),
        "words_three": share(weights, three),
        "rarest": float(rarest in three),
        "unknown": share(weights, {word for word in weights if not statistics.frequency.get(word)}),
        "sentence": whole,
        "fit": fit,
        "no_unit": float(_valued(question) and fit == 0.0),
        "characters": ranked[0].features["characters"],
        "lexical": ranked[0].features["coverage"],
        "entity": float(any(not statistics.frequency.get(name) for name in question.names)),
        "number": _elsewhere(question, ranked[:_READ]),
        "focus": float(bool(question.focus) and question.focus not in three),
        # The best passage by words may stand elsewhere than the nearest in meaning; how near that one is tells too.
        "nearest": (best - 0.8) * 10,
        # A number is either there or not: what merely speaks of the same thing does not answer.
        "amount": float(question.kind is Kind.AMOUNT),
        # The value that is there may be that of something else: how much farther it stands from what is asked about.
        "apart": whole - fit if _valued(question) else 0.0,
        # Where one passage stands out it is what was asked for; where many are alike, none of them may be.
        "sure": _sure(ranked),
        # The sentence that answers may be a small part of its passage.
        "told": (max((item.features.get(LIKENESS, best) for item in ranked), default=best) - 0.8) * 10,
    }


def _sure(ranked: Sequence[Ranked]) -> float:
    """The probability of the best passage among all by the platform's own weights: their scores are log odds."""
    scores = [fused(item.features) for item in ranked]
    best = max(scores)
    return 1 / sum(math.exp(score - best) for score in scores)


def _valued(question: Question) -> bool:
    return question.kind is Kind.AMOUNT or question.value is not None


def _elsewhere(question: Question, ranked: Sequence[Ranked]) -> float:
    """1 where the question names a body or a year that none of the best results names, else 0."""
    texts = [squeeze(f"{item.candidate.title} {item.candidate.heading} {item.candidate.text}") for item in ranked]
    return float(any(not any(name in text for text in texts) for name in question.names))


def _covered(question: Question, ranked: Sequence[Ranked]) -> set[str]:
    return {
        word
        for item in ranked
        for word in question.counts(
            question.words, f"{item.candidate.title} {item.candidate.heading}\n{item.candidate.text}"
        )
    }


def _sentence(question: Question, ranked: Sequence[Ranked], weights: dict[str, float]) -> tuple[float, float]:
    """Coverage of the question by the best sentence that fits its kind, and by the best sentence of any."""
    fitting = whole = 0.0
    for item in ranked:
        around = set(question.counts(weights, f"{item.candidate.title} {item.candidate.heading}"))
        for part in sentences(item.candidate.text):
            sentence = part.of(item.candidate.text)
            covered = share(weights, around | set(question.counts(weights, sentence)))
            whole = max(whole, covered)
            if covered > fitting and fits(question, sentence):
                fitting = covered
    return fitting, whole


@lru_cache(maxsize=4)
def _model(language: str, compared: bool) -> JudgementModel:
    # A language each: only in Chinese do shared characters tell, and words are cut in another way.
    name = f"abstain_{language}.json"
    stored = json.loads((Path(__file__).parent / "weights" / name).read_text(encoding="utf-8"))
    stored = stored if compared else stored["without_sentences"]
    return model_read(stored, float(stored["threshold"]))


def model_read(stored: Mapping[str, Any], threshold: float) -> JudgementModel:
    """A model from its JSON."""
    networks = tuple(
        _Network(_array(each["inputs"]), _array(each["biases"]), _array(each["outputs"]), float(each["bias"]))
        for each in stored["networks"]
    )
    mean, spread = _array(stored["mean"]), _array(stored["spread"])
    return JudgementModel(mean, spread, float(stored["reach"]), networks, threshold)


def _array(values: Any) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
