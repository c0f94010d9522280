"""The loop: learns, repeats itself under one seed, goes on after a kill, stops when told, writes no pickle."""

import time
from pathlib import Path

import pytest
import torch

from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.training.adapters.base import Base, base_load
from liaoyuan.training.adapters.batches import Encoded
from liaoyuan.training.adapters.evaluate import held_out_loss
from liaoyuan.training.adapters.loop import Hooks, Outcome, learning_rate, train
from liaoyuan.training.adapters.lora import lora_attach, lora_restore, lora_save, lora_weights
from liaoyuan.training.errors import CheckpointMismatch, LossDiverged
from liaoyuan.training.schemas import Recipe


def run(unpacked: Path, items: list[Encoded], recipe: Recipe, **options: object) -> tuple[Outcome, object]:
    base = base_load(unpacked, torch.float32)
    model = lora_attach(base.model, recipe)
    return train(model, items, recipe, pad=base.end, **options), model  # type: ignore[arg-type]


def losses(outcome: Outcome) -> list[float]:
    return [point["loss"] for point in outcome.curve]


def test_training_lowers_the_loss_and_leaves_the_base_alone(base: Base, encoded: list[Encoded], recipe: Recipe) -> None:
    before = held_out_loss(base.model, encoded, pad=base.end)[0]
    kept = base.model.model.layers[0].self_attn.q_proj.weight.clone()
    model = lora_attach(base.model, recipe)
    outcome = train(model, encoded, recipe, pad=base.end)
    assert held_out_loss(model.get_base_model(), encoded, pad=base.end)[0] < 0.7 * before
    assert torch.equal(model.get_base_model().model.layers[0].self_attn.q_proj.base_layer.weight, kept)
    assert outcome.stopped_by == "done" and outcome.steps == outcome.planned_steps == 12
    with model.disable_adapter():
        assert held_out_loss(model.get_base_model(), encoded, pad=base.end)[0] == pytest.approx(before, rel=1e-5)


def test_one_seed_one_curve(unpacked: Path, encoded: list[Encoded], recipe: Recipe) -> None:
    first, second = (losses(run(unpacked, encoded, recipe)[0]) for _ in range(2))
    other = losses(run(unpacked, encoded, recipe.model_copy(update={"seed": 8}))[0])
    assert first == pytest.approx(second, rel=1e-5)
    assert other != pytest.approx(first, rel=1e-3)


def test_a_run_cut_in_the_middle_ends_like_one_that_was_not(
    unpacked: Path, encoded: list[Encoded], recipe: Recipe, tmp_path: Path
) -> None:
    whole, _ = run(unpacked, encoded, recipe)
    every_step = recipe.model_copy(update={"checkpoint_seconds": 0.0})
    seen: list[float] = []

    def cut() -> bool:
        return len(seen) == 5

    hooks = Hooks(progress=lambda fraction, numbers: seen.append(fraction), cancelled=cut)
    with pytest.raises(RunCancelled):
        run(unpacked, encoded, every_step, hooks=hooks, checkpoint_dir=tmp_path)
    rest, _ = run(unpacked, encoded, every_step, checkpoint_dir=tmp_path)
    assert rest.resumed_from == 5
    assert losses(rest) == pytest.approx(losses(whole), rel=1e-4)
    assert rest.tokens == whole.tokens


def test_a_checkpoint_of_other_data_is_refused(
    unpacked: Path, encoded: list[Encoded], recipe: Recipe, tmp_path: Path
) -> None:
    run(unpacked, encoded, recipe, checkpoint_dir=tmp_path, identity="one")
    with pytest.raises(CheckpointMismatch):
        run(unpacked, encoded, recipe, checkpoint_dir=tmp_path, identity="two")


def test_cancelling_stops_before_the_next_step(unpacked: Path, encoded: list[Encoded], recipe: Recipe) -> None:
    seen: list[float] = []
    hooks = Hooks(progress=lambda fraction, numbers: seen.append(fraction), cancelled=lambda: len(seen) >= 2)
    with pytest.raises(RunCancelled):
        run(unpacked, encoded, recipe, hooks=hooks)
    assert len(seen) == 2


def test_the_clock_cuts_the_schedule_and_says_so(unpacked: Path, encoded: list[Encoded], recipe: Recipe) -> None:
    slow = Hooks(progress=lambda fraction, numbers: time.sleep(0))
    outcome, _ = run(unpacked, encoded, recipe.model_copy(update={"max_seconds": 1e-6}), hooks=slow)
    assert outcome.stopped_by == "max_seconds" and outcome.steps == 1


def test_a_diverging_run_stops_and_says_at_which_step(unpacked: Path, encoded: list[Encoded], recipe: Recipe) -> None:
    base = base_load(unpacked, torch.float32)
    model = lora_attach(base.model, recipe)
    with torch.no_grad():
        next(weight for weight in model.parameters() if weight.requires_grad).fill_(float("nan"))
    with pytest.raises(LossDiverged, match="step 1"):
        train(model, encoded, recipe, pad=base.end)


def test_no_pickle_is_written_and_the_adapter_comes_back_whole(
    unpacked: Path, encoded: list[Encoded], recipe: Recipe, tmp_path: Path
) -> None:
    _, model = run(unpacked, encoded, recipe, checkpoint_dir=tmp_path / "checkpoint")
    weights = lora_save(model, recipe, "0" * 64, tmp_path / "peft")
    written = {path.name.split(".")[-1] for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"safetensors", "json", "current"}
    again = lora_weights(lora_restore(base_load(unpacked, torch.float32).model, recipe, weights))
    for name, value in lora_weights(model).items():
        assert torch.equal(again[name], value)


def test_the_learning_rate_warms_up_and_sinks_to_a_tenth() -> None:
    recipe = Recipe(learning_rate=1.0 / 16, warmup=0.1)
    rates = [learning_rate(step, 100, recipe) for step in range(100)]
    assert rates[0] < rates[9] == max(rates)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(recipe.learning_rate / 10, rel=0.05)
