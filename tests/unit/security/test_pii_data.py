"""Recall and precision on the development set of synthetic Chinese text; other splits decide at acceptance."""

import json
from collections import Counter
from pathlib import Path

import pytest

from liaoyuan.security.pii.scanner import scan
from liaoyuan.security.pii.spans import STRUCTURED

FILE = Path(__file__).resolve().parents[4] / "shared" / "data" / "pii_zh_synth" / "dev.jsonl"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILE.exists(), reason="../shared/data/pii_zh_synth is absent"),
]


@pytest.fixture(scope="module")
def counted() -> dict[str, Counter[str]]:
    """Label -> true positives, false positives, false negatives, by exact span."""
    counts: dict[str, Counter[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gold = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
        said = {(span.start, span.end, span.label) for span in scan(row["text"])}
        for kind, spans in (("tp", gold & said), ("fp", said - gold), ("fn", gold - said)):
            for span in spans:
                counts.setdefault(span[2], Counter())[kind] += 1
    return counts


def recall(count: Counter[str]) -> float:
    return count["tp"] / max(1, count["tp"] + count["fn"])


def precision(count: Counter[str]) -> float:
    return count["tp"] / max(1, count["tp"] + count["fp"])


def test_structured_kinds_reach_99_recall_at_98_precision(counted: dict[str, Counter[str]]) -> None:
    weak = {
        label: (recall(count), precision(count))
        for label, count in counted.items()
        if label in STRUCTURED and (recall(count) < 0.99 or precision(count) < 0.98)
    }
    assert weak == {}


@pytest.mark.parametrize("label", ["PERSON", "ADDRESS", "ORG"])
def test_names_addresses_and_organizations_reach_85_both_ways(counted: dict[str, Counter[str]], label: str) -> None:
    assert recall(counted[label]) >= 0.85
    assert precision(counted[label]) >= 0.85
