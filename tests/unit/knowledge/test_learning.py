"""Weights of the fusion learned from known right places: what is planted is found, chance is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from liaoyuan.knowledge.learning import Sample, compared, fit, folds_of
from liaoyuan.knowledge.rank import FEATURES, stock_weights

STOCK = np.asarray([stock_weights()[name] for name in FEATURES])
TITLE, COSINE = FEATURES.index("title"), FEATURES.index("cosine")


def samples(
    *, signal: float, documents: int = 8, each: int = 8, approved: bool = False, near: float = 0.0
) -> list[Sample]:
    """Candidates alike in everything but chance, the right one ahead by ``signal`` in what stands in its title, and by
    ``near`` in meaning."""
    chance = np.random.default_rng(7)
    found = []
    for number in range(documents * each):
        table: NDArray[np.float64] = chance.uniform(0, 0.5, (30, len(FEATURES)))
        gold = np.zeros((30, 1), dtype=bool)
        right = int(chance.integers(0, 30))
        gold[right, 0] = True
        table[right, TITLE] += signal
        table[right, COSINE] += near
        found.append(Sample(table, gold, f"document {number % documents}", approved))
    return found


def test_a_feature_that_decides_is_learned_and_proven_on_documents_not_seen() -> None:
    taught = samples(signal=0.6)
    weights = fit(taught, STOCK)
    assert weights[TITLE] > 2 * STOCK[TITLE]
    assert (weights >= 0).all()
    comparison = compared(taught, STOCK)
    told = comparison.metrics["mrr"]
    assert comparison.better
    assert (comparison.n, comparison.folds) == (64, 5)
    assert told["difference_interval"][0] > 0.1
    assert told["learned"] == pytest.approx(told["stock"] + told["difference"], abs=2e-4)


def test_chance_teaches_nothing_that_is_kept() -> None:
    comparison = compared(samples(signal=0.0), STOCK)
    assert not comparison.better
    low, high = comparison.metrics["mrr"]["difference_interval"]
    assert low <= 0 <= high


def test_a_gain_on_made_questions_that_costs_people_s_own_is_not_kept() -> None:
    made = samples(signal=0.6)
    against = samples(signal=-0.6, near=0.6, documents=2, each=3, approved=True)
    comparison = compared([*made, *against], STOCK)
    assert comparison.metrics["mrr"]["difference_interval"][0] > 0
    assert comparison.approved["mrr"]["difference"] < 0
    assert not comparison.better


def test_the_same_questions_teach_the_same_weights() -> None:
    assert np.array_equal(fit(samples(signal=0.4), STOCK), fit(samples(signal=0.4), STOCK))
    assert compared(samples(signal=0.4), STOCK) == compared(samples(signal=0.4), STOCK)


def test_nothing_to_learn_from_leaves_the_weights_alone() -> None:
    lost = [Sample(each.table, np.zeros_like(each.gold), each.group) for each in samples(signal=0.6)]
    assert np.array_equal(fit(lost, STOCK), STOCK)
    assert compared(lost, STOCK).metrics["mrr"]["learned"] == 0
    assert not compared(lost, STOCK).better


def test_few_questions_move_the_weights_less_than_many() -> None:
    few, many = fit(samples(signal=0.6, each=1), STOCK), fit(samples(signal=0.6, each=12), STOCK)
    assert np.linalg.norm(few - STOCK) < np.linalg.norm(many - STOCK)


def test_a_document_never_stands_on_both_sides_of_a_fold() -> None:
    groups = ["a"] * 9 + ["b"] * 4 + ["c"] * 3 + ["d", "e", "f"]
    homes = folds_of(groups)
    assert all(len({home for home, of in zip(homes, groups, strict=True) if of == group}) == 1 for group in groups)
    assert len(set(homes)) == 5
    assert folds_of(["a", "a", "b"]) == [0, 0, 1]


def test_one_document_is_folded_by_its_questions() -> None:
    comparison = compared(samples(signal=0.6, documents=1, each=40), STOCK)
    assert comparison.folds == 5
    assert comparison.better


def test_a_question_with_two_places_counts_both() -> None:
    table = np.zeros((3, len(FEATURES)))
    table[:, TITLE] = [3.0, 2.0, 1.0]
    gold = np.array([[False, True], [True, False], [False, False]])
    assert Sample(table, gold, "a").row(STOCK)["ranks"] == [2, 1]
    assert Sample(table, np.zeros((3, 1), dtype=bool), "a").row(STOCK)["ranks"] == [None]
