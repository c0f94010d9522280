"""A training process is killed in the middle; the next attempt goes on from where the checkpoint stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from liaoyuan.training.adapters.process import process_run
from liaoyuan.training.errors import TrainerLost
from tests.unit.training.conftest import dataset, recipe, tiny
from tests.unit.training.test_process import job

__all__ = ["dataset", "job", "recipe", "tiny"]
STEPS = 12
KILLED_AFTER = 5


def training() -> psutil.Process:
    """The child that trains."""
    children = psutil.Process().children()
    # Children of other tests may have ended without anybody having asked: those have no command line.
    living = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return next(child for child in living if "adapters.child" in " ".join(child.cmdline()))


def test_a_killed_training_goes_on_from_its_checkpoint(
    job: Callable[..., str], dataset: Callable[..., Path], tmp_path: Path
) -> None:
    work = job(dataset(), max_steps=STEPS)
    first: list[int] = []
    second: list[int] = []

    def kill(fraction: float, step: str, numbers: dict[str, Any]) -> None:
        if "loss" in numbers:
            first.append(int(numbers["step"]))
        if len(first) == KILLED_AFTER:
            training().kill()

    with pytest.raises(TrainerLost) as lost:
        process_run(work, log=tmp_path / "log", progress=kill, cancelled=lambda: False)
    assert lost.value.retryable
    assert first[:KILLED_AFTER] == list(range(1, KILLED_AFTER + 1))

    def follow(fraction: float, step: str, numbers: dict[str, Any]) -> None:
        if "loss" in numbers:
            second.append(int(numbers["step"]))

    report = process_run(work, log=tmp_path / "log", progress=follow, cancelled=lambda: False)
    # Every step was done, none of those before the checkpoint a second time.
    assert report["training"]["steps"] == STEPS
    assert second == list(range(second[0], STEPS + 1))
    assert KILLED_AFTER <= second[0] <= first[-1] + 1
    assert (tmp_path / "output" / "adapter.gguf").stat().st_size > 1000
