"""Run a recipe: operators in the order that the pack gives, each traced."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from liaoyuan.data.errors import NothingLeft
from liaoyuan.data.operators import clean, finish
from liaoyuan.data.operators.synthesise import synthesise_qa
from liaoyuan.data.schemas import Change, Drop, Outcome, Passage, Sample, Trace
from liaoyuan.industry.schemas.recipe import (
    DataRecipe,
    Decontaminate,
    Deduplicate,
    MaskPii,
    Normalise,
    Quality,
    Split,
    SynthesiseQa,
)
from liaoyuan.pipeline.ports import PiiScanner

SEED = 17
# Examples kept of what one operator rewrote, and how much of each (characters).
MOST_CHANGES = 40
CHANGE_BEFORE, CHANGE_LENGTH = 40, 200


@dataclass(frozen=True)
class Surroundings:
    """What operators need besides their items: scanner and key for masking, gate questions, the declining sentences."""

    scanner: PiiScanner
    key: bytes
    gate_questions: tuple[str, ...]
    abstain: dict[str, str]


@dataclass(frozen=True)
class Curated:
    """A recipe's result: samples with their split, a trace an operator, every dropped item, examples of rewritten
    ones."""

    samples: list[Sample]
    traces: list[Trace]
    drops: list[Drop]
    changes: list[Change]

    def trace_dicts(self) -> list[dict[str, Any]]:
        return [asdict(trace) for trace in self.traces]


def recipe_run(
    recipe: DataRecipe,
    passages: Sequence[Passage],
    around: Surroundings,
    *,
    step: Callable[[float, str], None] = lambda fraction, operator: None,
) -> Curated:
    """Pass ``passages`` through the operators. Raises NothingLeft, which names the operator."""
    items: list[Any] = list(passages)
    traces: list[Trace] = []
    drops: list[Drop] = []
    changes: list[Change] = []
    for number, params in enumerate(recipe.operators):
        step(number / len(recipe.operators), params.operator)
        before, start = len(items), time.perf_counter()
        outcome = _apply(params, items, around)
        trace = outcome.trace(params.operator, before, time.perf_counter() - start)
        traces.append(trace)
        drops += outcome.drops
        changes += changes_of(params.operator, items, outcome.items) if outcome.changed else []
        items = outcome.items
        if not items:
            reasons = ", ".join(f"{reason} {count}" for reason, count in trace.reasons.items())
            raise NothingLeft(operator=params.operator, reasons=reasons)
    return Curated(items, traces, drops, changes)


def changes_of(operator: str, before: Sequence[Any], after: Sequence[Any]) -> list[Change]:
    """The first items that ``operator`` rewrote."""
    was = {item.id: item.text for item in before}
    rewritten = [item for item in after if was.get(item.id, item.text) != item.text]
    return [_change(operator, item.id, was[item.id], item.text) for item in rewritten[:MOST_CHANGES]]


def _change(operator: str, identifier: str, before: str, after: str) -> Change:
    pairs = enumerate(zip(before, after, strict=False))
    differs = next((place for place, (old, new) in pairs if old != new), min(len(before), len(after)))
    start = max(0, differs - CHANGE_BEFORE)
    part = slice(start, start + CHANGE_LENGTH)
    # What was masked must not come back beside its mask.
    return Change(identifier, operator, "" if operator == "mask_pii" else before[part], after[part])


def _apply(params: Any, items: list[Any], around: Surroundings) -> Outcome:
    match params:
        case Normalise():
            return clean.normalise(items, params)
        case Deduplicate():
            return clean.deduplicate(items, params)
        case Quality():
            return clean.quality(items, params)
        case MaskPii():
            return clean.mask_pii(items, params, scanner=around.scanner, key=around.key)
        case _:
            return _apply_late(params, items, around)


def _apply_late(params: Any, items: list[Any], around: Surroundings) -> Outcome:
    match params:
        case SynthesiseQa():
            return synthesise_qa(items, params, seed=SEED, abstain=around.abstain)
        case Decontaminate():
            return finish.decontaminate(items, params, questions=around.gate_questions)
        case Split():
            return finish.split(items, params)
    raise TypeError(f"no operator for {type(params).__name__}")
