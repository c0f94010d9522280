"""A recipe: operators in the pack's order, a trace each, and a name for the one that leaves nothing."""

import pytest

from liaoyuan.data.errors import NothingLeft
from liaoyuan.data.recipe import Surroundings, recipe_run
from liaoyuan.industry.schemas.recipe import DataRecipe
from liaoyuan.security.ports import PiiPort
from tests.unit.data.passages import passage

AROUND = Surroundings(PiiPort(), b"k" * 32, (), {"zh": "没有依据。", "en": "No evidence."})
ORDER = ["normalise", "deduplicate", "quality", "mask_pii", "synthesise_qa", "decontaminate", "split"]


def recipe(*operators: str, **params: object) -> DataRecipe:
    steps = [{"operator": name} | (params if name == "quality" else {}) for name in operators]
    return DataRecipe.model_validate({"name": "test", "operators": steps})


PASSAGES = [
    passage(f"第{d}科护士应当在交班前{10 + d}分钟完成护理记录，并由护士长当面核对签字。", document=f"制度{d}")
    for d in range(6)
]


def test_operators_run_in_the_order_of_the_recipe_and_each_leaves_a_trace() -> None:
    steps: list[tuple[float, str]] = []
    done = recipe_run(recipe(*ORDER), PASSAGES, AROUND, step=lambda fraction, name: steps.append((fraction, name)))
    assert [trace.operator for trace in done.traces] == ORDER == [name for _, name in steps]
    assert [fraction for fraction, _ in steps] == sorted(fraction for fraction, _ in steps)
    for before, after in zip(done.traces, done.traces[1:], strict=False):
        assert after.before == before.after
    assert {sample.split for sample in done.samples} == {"train", "eval"}
    assert len(done.drops) == sum(trace.dropped for trace in done.traces)


def test_another_order_is_kept_as_well() -> None:
    order = ["quality", "mask_pii", "normalise", "synthesise_qa", "split"]
    assert [trace.operator for trace in recipe_run(recipe(*order), PASSAGES, AROUND).traces] == order


def test_the_operator_that_leaves_nothing_is_named_with_its_reasons() -> None:
    with pytest.raises(NothingLeft) as caught:
        recipe_run(recipe(*ORDER, min_characters=500), PASSAGES, AROUND)
    for language in ("zh", "en"):
        sentence = caught.value.sentence(language)
        assert "quality" in sentence and "too_short 6" in sentence
        assert "{" not in sentence
