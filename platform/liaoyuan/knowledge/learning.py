"""Weights of the fusion learned from questions whose right place is known, and whether they order better than others.

Only numbers here: a :class:`Sample` is one question's candidates. Nothing is random but the seeded intervals, so that
the same questions always teach the same weights.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from liaoyuan.knowledge.evaluate import GateQuestion, is_place
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.intervals import bootstrap, paired_means
from liaoyuan.knowledge.questions.measures import DEPTH, VALUES
from liaoyuan.knowledge.rank import FEATURES, Legs, Ranked

Array = NDArray[np.float64]
METRICS: Final = ("mrr", "recall@5")
FOLDS: Final = 5
# Beside the right place only those that compete with it for the first ranks teach anything.
RIVALS: Final = 20
# How strongly the weights are held where they were: as much as one question holds.
RIDGE: Final = 1.0
STEPS, RATE, MOMENTUM = 600, 0.05, 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """One question: its candidates' features, shape (candidates, features), and which candidate is which wanted place,
    shape (candidates, places). ``group`` is what must not stand on both sides of a fold: its document."""

    table: Array
    gold: NDArray[np.bool_]
    group: str
    approved: bool = False

    @property
    def right(self) -> NDArray[np.bool_]:
        """The candidates that are any wanted place."""
        return np.asarray(self.gold.any(axis=1))

    def row(self, weights: Array) -> dict[str, Any]:
        """The rank of each wanted place under ``weights``, as an evaluation notes it."""
        order = np.argsort(-(self.table @ weights), kind="stable")[:DEPTH]
        found = self.gold[order]
        ranks = [int(np.argmax(column)) + 1 if column.any() else None for column in found.T]
        return {"answerable": True, "ranks": ranks}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Stock against learned weights on questions that the learned ones never saw. ``metrics``: by name {stock, learned,
    difference, each with its 95 % interval}; ``approved`` the same over the questions that people approved."""

    n: int
    folds: int
    metrics: dict[str, dict[str, Any]]
    approved: dict[str, dict[str, Any]]

    @property
    def better(self) -> bool:
        """Whether the gain is beyond chance, costs no recall, and is no loss on what people approved."""
        gained = self.metrics["mrr"]["difference_interval"][0] > 0
        lost = self.metrics["recall@5"]["difference_interval"][1] < 0
        return gained and not lost and (not self.approved or self.approved["mrr"]["difference"] >= 0)


def sample_of(item: GateQuestion, ranked: Sequence[Ranked], legs: Legs, *, approved: bool) -> Sample:
    """What one retrieval teaches; inside the tenant context. The features count as ``legs`` make them count."""
    ids = [each.candidate.chunk_id for each in ranked]
    rows = Chunk.objects.select_related("version__document").defer("embedding", "terms")
    chunks = {str(key): chunk for key, chunk in rows.in_bulk([UUID(key) for key in ids]).items()}
    places = item.places
    gold = np.zeros((len(ids), len(places)), dtype=bool)
    for place, key in enumerate(ids):
        gold[place] = [key in chunks and is_place(wanted, chunks[key]) for wanted in places]
    table = np.asarray([[each.features[name] for name in FEATURES] for each in ranked]).reshape(len(ids), len(FEATURES))
    shares = {"cosine": legs.vector, "bm25": legs.words}
    found = [
        str(chunks[key].version.document_id) for key, hit in zip(ids, np.asarray(gold.any(axis=1)), strict=True) if hit
    ]
    group = item.anchors[0].document_id if item.anchors else next(iter(found), item.id)
    return Sample(table * [shares.get(name, 1.0) for name in FEATURES], gold, group, approved)


def climb(slope: Callable[[Array], Array], start: Array, *, steps: int = STEPS, rate: float = RATE) -> Array:
    """Gradient ascent with momentum from ``start``; weights stay at or above 0: no feature speaks against itself."""
    weights, momentum = start.copy(), np.zeros_like(start)
    for _ in range(steps):
        momentum = MOMENTUM * momentum + slope(weights)
        weights = np.maximum(weights + rate * momentum, 0)
    return weights


def fit(samples: Sequence[Sample], stock: Array) -> Array:
    """Pairwise logistic regression: each right place above its strongest rivals, held towards ``stock``."""
    pairs = [found for sample in samples if len(found := _pairs(sample, stock))]
    if not pairs:
        return stock.copy()
    differences = np.concatenate(pairs)
    # Every question counts the same, however many pairs it has.
    shares = np.concatenate([np.full(len(each), 1 / len(each)) for each in pairs]) / len(pairs)
    ridge = RIDGE / len(pairs)

    def slope(weights: Array) -> Array:
        unsure = shares / (1 + np.exp(np.minimum(differences @ weights, 500)))
        return np.asarray(differences.T @ unsure - ridge * (weights - stock), dtype=np.float64)

    return climb(slope, stock)


def _pairs(sample: Sample, stock: Array) -> Array:
    """The right candidates' features less those of their rivals, shape (pairs, features)."""
    right = sample.right
    wrong = sample.table[~right]
    rivals = wrong[np.argsort(-(wrong @ stock), kind="stable")[:RIVALS]]
    found = sample.table[right][:, None, :] - rivals[None, :, :]
    return np.asarray(found.reshape(-1, sample.table.shape[1]), dtype=np.float64)


def folds_of(groups: Sequence[str], most: int = FOLDS) -> list[int]:
    """The fold of each group's member: whole groups, the largest first, each into the fold that holds least."""
    sizes = Counter(groups)
    held = [0] * min(most, len(sizes))
    home: dict[str, int] = {}
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        home[group] = held.index(min(held))
        held[home[group]] += size
    return [home[group] for group in groups]


def compared(samples: Sequence[Sample], stock: Array) -> Comparison:
    """Each question ranked by weights that were learned without its document, beside ``stock``.

    A collection of one document is folded by its questions instead.
    """
    groups = [sample.group for sample in samples]
    if len(set(groups)) == 1:
        groups = [f"{place:06}" for place in range(len(samples))]
    homes = folds_of(groups)
    before = [sample.row(stock) for sample in samples]
    after: list[dict[str, Any]] = [{}] * len(samples)
    for fold in sorted(set(homes)):
        weights = fit([sample for sample, home in zip(samples, homes, strict=True) if home != fold], stock)
        for place, home in enumerate(homes):
            if home == fold:
                after[place] = samples[place].row(weights)
    pairs = list(zip(before, after, strict=True))
    approved = [pair for pair, sample in zip(pairs, samples, strict=True) if sample.approved]
    return Comparison(len(samples), len(set(homes)), _metrics(pairs), _metrics(approved) if approved else {})


def _metrics(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {name: _metric(name, pairs) for name in METRICS}


def _metric(name: str, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    value_of = VALUES[name]
    stock = [value_of(first) or 0.0 for first, _second in pairs]
    learned = [value_of(second) or 0.0 for _first, second in pairs]
    return {
        "stock": round(fmean(stock), 4),
        "stock_interval": _rounded(bootstrap(stock)),
        "learned": round(fmean(learned), 4),
        "learned_interval": _rounded(bootstrap(learned)),
        "difference": round(fmean(learned) - fmean(stock), 4),
        "difference_interval": _rounded(paired_means(stock, learned)),
    }


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(interval[0], 4), round(interval[1], 4)]
