"""Where a run stands, on disk: adapter and optimiser as safetensors, the rest as JSON. Written whole or not at all."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from liaoyuan.training.errors import CheckpointMismatch

WEIGHTS, OPTIMISER, STATE, CURRENT = "adapter.safetensors", "optimiser.safetensors", "state.json", "current"
Named = dict[str, torch.nn.Parameter]
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Standing:
    """How far a run is. ``curve`` holds one {step, loss, lr, seconds} a step;

    ``identity`` ties it to data and recipe.
    """

    identity: str
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


def checkpoint_write(folder: Path, standing: Standing, weights: Named, optimiser: torch.optim.Optimizer) -> None:
    """Replace the checkpoint in ``folder``; a kill at any moment leaves the old one or the new one."""
    draft = folder / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_file({name: weight.detach().contiguous() for name, weight in weights.items()}, draft / WEIGHTS)
    save_file(_moments(weights, optimiser), draft / OPTIMISER)
    (draft / STATE).write_text(json.dumps(asdict(standing)))
    target = folder / f"step-{standing.step}"
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    pointer = folder / f".{CURRENT}-{os.getpid()}"
    pointer.write_text(target.name)
    pointer.replace(folder / CURRENT)
    for old in folder.glob("step-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def checkpoint_read(folder: Path, identity: str, weights: Named, optimiser: torch.optim.Optimizer) -> Standing | None:
    """Restore ``weights`` and ``optimiser`` in place; None when there is no checkpoint. Raises CheckpointMismatch."""
    pointer = folder / CURRENT
    if not pointer.exists():
        return None
    found = folder / pointer.read_text()
    state = Standing(**json.loads((found / STATE).read_text()))
    if state.identity != identity:
        raise CheckpointMismatch
    stored = load_file(found / WEIGHTS)
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(stored[name])
    _restore(weights, optimiser, load_file(found / OPTIMISER))
    return state


def _moments(weights: Named, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    kept: dict[str, torch.Tensor] = {}
    for name, weight in weights.items():
        state = optimiser.state.get(weight, {})
        kept |= {f"{moment}/{name}": state[moment].contiguous() for moment in MOMENTS if moment in state}
    return kept


def _restore(weights: Named, optimiser: torch.optim.Optimizer, stored: dict[str, torch.Tensor]) -> None:
    for name, weight in weights.items():
        state: dict[str, Any] = {m: stored[f"{m}/{name}"] for m in MOMENTS if f"{m}/{name}" in stored}
        if state:
            optimiser.state[weight] = state
