"""Gates: what passes, what fails, and that nothing unmeasured ever passes."""

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.deployment.bundles import BundleParts, bundle_parts
from liaoyuan.deployment.gates import gates_check, gates_passed
from liaoyuan.industry.schemas.scenario import Gate
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline.contract import ArtifactRef

RECALL = Gate(name="recall", metric="recall@5", at_least=0.8)
SPEED = Gate(name="speed", metric="p95_ms", at_most=900)
PARITY = Gate(name="parity", metric="parity_first_token", at_least=0.95)


@pytest.mark.parametrize(
    ("gate", "value", "passed"),
    [
        (RECALL, 0.8, True),
        (RECALL, 0.81, True),
        (RECALL, 0.7999, False),
        (RECALL, 0.0, False),
        (RECALL, None, False),
        (SPEED, 900, True),
        (SPEED, 0, True),
        (SPEED, 900.1, False),
        (SPEED, None, False),
        (PARITY, 0.95, True),
        (PARITY, None, False),
    ],
)
def test_a_gate_holds_its_threshold_and_a_missing_value_fails(gate: Gate, value: float | None, passed: bool) -> None:
    for metrics in ({gate.metric: value}, {} if value is None else {gate.metric: value}):
        results = gates_check([gate], metrics, adapter=True)
        assert [result.passed for result in results] == [passed]
        assert gates_passed(results) is passed


def test_a_gate_shows_what_was_measured_against_what() -> None:
    recall, speed = gates_check([RECALL, SPEED], {"recall@5": 0.5, "p95_ms": 100}, adapter=False)
    assert (recall.value, recall.threshold, recall.direction) == (0.5, 0.8, "at_least")
    assert (speed.value, speed.threshold, speed.direction) == (100, 900, "at_most")


def test_training_gates_apply_only_to_a_bundle_with_an_adapter() -> None:
    without = gates_check([PARITY, RECALL], {"recall@5": 0.9}, adapter=False)
    assert [(result.applies, result.passed) for result in without] == [(False, True), (True, True)]
    assert gates_passed(without)
    assert not gates_passed(gates_check([PARITY, RECALL], {"recall@5": 0.9}, adapter=True))


def test_one_failed_gate_holds_the_bundle_back() -> None:
    assert not gates_passed(gates_check([RECALL, SPEED], {"recall@5": 0.9, "p95_ms": 9000}, adapter=False))


PARTS = BundleParts(
    industry="medical",
    industry_version="1.0",
    scenario="guideline-qa",
    collection_id="c",
    document_versions=("a", "b"),
    model_version_id="m",
    adapter_sha256="f" * 64,
    model="adapter",
    prompts_sha256="p",
    guardrail_sha256="g",
    retrieval={"k": 5},
    answerer={"zh": "extractive"},
)


def test_the_same_parts_give_the_same_hash_whatever_the_order_of_keys() -> None:
    again = replace(PARTS, retrieval=dict(reversed(list({"k": 5}.items()))))
    assert again.sha256 == PARTS.sha256
    assert len(PARTS.sha256) == 64


@pytest.mark.parametrize("part", sorted(asdict(PARTS)))
def test_every_part_changes_the_hash(part: str) -> None:
    other: Any = {"retrieval": {"k": 6}, "answerer": {"zh": "generative"}, "document_versions": ("a",)}.get(part, "x")
    assert replace(PARTS, **{part: other}).sha256 != PARTS.sha256


def test_the_parts_of_a_pack_do_not_depend_on_the_order_of_documents() -> None:
    pack = industry_get("medical")
    refs = [ArtifactRef("document_version", UUID(int=number)) for number in (3, 1, 2)]

    def parts(documents: list[ArtifactRef], model_version: ArtifactRef | None = None, model: str = "") -> BundleParts:
        return bundle_parts(
            pack=pack,
            scenario=pack.scenario("guideline-qa"),
            collection_id=UUID(int=9),
            documents=documents,
            model_version=model_version,
            model=model,
        )

    assert parts(refs).sha256 == parts(refs[::-1]).sha256
    assert parts(refs[:2]).sha256 != parts(refs).sha256
    tuned = parts(refs, ArtifactRef("model_version", UUID(int=7), sha256="a" * 64), "adapter-7")
    assert (tuned.model, tuned.model_version_id) == ("adapter-7", str(UUID(int=7)))
    assert parts(refs).model == "smollm2-135m-instruct"
    assert parts(refs).as_dict()["document_versions"] == sorted(str(ref.id) for ref in refs)
