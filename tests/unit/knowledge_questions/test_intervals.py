"""Intervals against published values, and metrics from rows."""

import random
from typing import Any

import pytest

from liaoyuan.knowledge.questions.intervals import bootstrap, paired_means, paired_proportions, wilson
from liaoyuan.knowledge.questions.measures import compare, failed, grouped, measure


def row(**values: Any) -> dict[str, Any]:
    """A row that found its evidence first and said all it had to."""
    citation = {"valid": True, "correct": True}
    usual = {
        "question": f"问题 {random.random()}", "answerable": True, "abstained": False, "ranks": [1], "answer": "两天",
        "must_contain": True, "citations": [citation], "ms": 5.0, "document": "甲", "type": "number", "language": "zh",
    }  # fmt: skip
    return usual | values


def test_wilson_is_newcombes_published_example() -> None:
    low, high = wilson(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(1.0, 10)[1] == pytest.approx(1.0)
    assert 0.69 < wilson(1.0, 10)[0] < 0.73


def test_paired_proportions_is_newcombes_published_example() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:2635), table II, method 10: 36 12 2 0.
    low, high = paired_proportions(36, 2, 12, 0)
    assert (round(low, 4), round(high, 4)) == (0.0569, 0.3404)


def test_without_any_difference_few_questions_prove_nothing() -> None:
    low, high = paired_proportions(5, 0, 0, 0)
    assert low < -0.3
    assert high > 0.3


def test_the_bootstrap_is_the_same_every_time_and_holds_the_mean() -> None:
    values = [1.0, 0.5, 0.0, 1.0, 0.25] * 8
    assert bootstrap(values) == bootstrap(values)
    low, high = bootstrap(values)
    assert low < 0.55 < high
    assert paired_means([0.2] * 20, [0.7] * 20) == pytest.approx((0.5, 0.5))


def test_every_metric_has_its_value_and_its_interval() -> None:
    rows = [row(), row(ranks=[3]), row(ranks=[None], abstained=True, citations=[], must_contain=False)]
    rows += [row(answerable=False, ranks=[], abstained=True, citations=[], must_contain=None)]
    measured = measure(rows)
    expected = {"n": 4, "recall@1": 0.3333, "recall@5": 0.6667, "must_contain": 0.6667, "refused_answerable": 0.3333}
    assert {name: measured.metrics[name] for name in expected} == expected
    assert measured.metrics["abstention_precision"] == 0.5
    assert measured.metrics["abstention_recall"] == measured.metrics["abstained_unanswerable"] == 1.0
    for name, (low, high) in measured.intervals.items():
        value = measured.metrics[name]
        assert value is not None
        assert low <= value <= high, name


def test_rows_fall_into_groups_and_the_largest_comes_first() -> None:
    groups = grouped([row(), row(document="乙"), row(document="乙", ranks=[None])], "document")
    assert [(group.name, group.count) for group in groups] == [("乙", 2), ("甲", 1)]
    assert groups[0].measured.metrics["recall@5"] == 0.5


def test_two_runs_are_compared_question_by_question() -> None:
    before = [row(question=str(number), ranks=[None], must_contain=False) for number in range(30)]
    after = [row(question=str(number)) for number in range(25)]
    found = {item.metric: item for item in compare(before, after)}
    assert (found["recall@5"].n, found["recall@5"].difference, found["recall@5"].better) == (25, 1.0, True)
    assert found["citation_correct"].better is None
    worse = {item.metric: item for item in compare(after, before)}
    assert worse["must_contain"].better is False
    refused = [row(question=str(number), abstained=True, citations=[]) for number in range(25)]
    assert {item.metric: item.better for item in compare(after, refused)}["refused_answerable"] is False


def test_what_a_person_should_look_at() -> None:
    assert not failed(row())
    assert failed(row(abstained=True))
    assert failed(row(must_contain=False))
    assert failed(row(ranks=[None]))
    assert failed(row(answerable=False, ranks=[], must_contain=None))
    assert not failed(row(answerable=False, ranks=[], must_contain=None, abstained=True, citations=[]))
