"""The optimiser's loop: small, seeded, resumable, and it stops within a step when asked to."""

import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.training.adapters.batches import Encoded, collate, epoch_groups
from liaoyuan.training.adapters.checkpoint import Named, Standing, checkpoint_read, checkpoint_write
from liaoyuan.training.adapters.loss import answer_loss
from liaoyuan.training.errors import LossDiverged
from liaoyuan.training.schemas import Recipe


def _silent(fraction: float, numbers: dict[str, float]) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Hooks:
    """How the loop talks: ``progress(fraction 0..1, {step, loss, lr, tokens_per_second})`` after every step."""

    progress: Callable[[float, dict[str, float]], None] = _silent
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Outcome:
    """``stopped_by`` is "done", or "max_seconds" when the clock cut the schedule (and the result depends on
    the machine).
    """

    steps: int
    planned_steps: int
    tokens: int
    seconds: float
    stopped_by: str
    resumed_from: int
    curve: list[dict[str, float]] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0


def schedule(items: Sequence[Encoded], recipe: Recipe) -> list[list[Encoded]]:
    """All batches of the run in order: ``epochs`` passes, cut at ``max_steps``."""
    made: list[list[Encoded]] = []
    for epoch in range(recipe.epochs):
        made += epoch_groups(items, batch_tokens=recipe.batch_tokens, seed=recipe.seed, epoch=epoch)
        if len(made) >= recipe.max_steps:
            break
    return made[: recipe.max_steps]


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to a tenth; ``step`` counts from 0."""
    warm = max(1, round(recipe.warmup * total))
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    share = (step - warm) / max(1, total - warm)
    return recipe.learning_rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * share)))


def trainable(model: Any) -> Named:
    """The parameters that learn, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def train(
    model: Any,
    items: Sequence[Encoded],
    recipe: Recipe,
    *,
    pad: int,
    identity: str = "",
    hooks: Hooks | None = None,
    checkpoint_dir: Path | None = None,
) -> Outcome:
    """Train the adapter inside ``model`` (a PEFT model) in place, going on from ``checkpoint_dir`` if it holds a
    checkpoint.

    Raises RunCancelled, LossDiverged, CheckpointMismatch.
    """
    return _Run(model, items, recipe, pad, identity, hooks or Hooks(), checkpoint_dir).run()


class _Run:
    def __init__(
        self,
        model: Any,
        items: Sequence[Encoded],
        recipe: Recipe,
        pad: int,
        identity: str,
        hooks: Hooks,
        checkpoint_dir: Path | None,
    ) -> None:
        self.language_model = model.get_base_model()
        self.weights = trainable(model)
        self.recipe, self.pad, self.hooks, self.checkpoint_dir = recipe, pad, hooks, checkpoint_dir
        self.batches = schedule(items, recipe)
        self.optimiser = torch.optim.AdamW(
            self.weights.values(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.99)
        )
        self.standing = Standing(identity)
        model.train()

    def run(self) -> Outcome:
        found = self.checkpoint_dir and checkpoint_read(
            self.checkpoint_dir, self.standing.identity, self.weights, self.optimiser
        )
        self.standing = found or self.standing
        resumed_from, stopped_by = self.standing.step, "done"
        saved = time.monotonic()
        while self.standing.step < len(self.batches):
            if self.hooks.cancelled():
                raise RunCancelled
            if self.standing.seconds >= self.recipe.max_seconds:
                stopped_by = "max_seconds"
                break
            self._step()
            if time.monotonic() - saved >= self.recipe.checkpoint_seconds:
                self._save()
                saved = time.monotonic()
        self._save()
        state = self.standing
        return Outcome(
            state.step, len(self.batches), state.tokens, state.seconds, stopped_by, resumed_from, state.curve
        )

    def _save(self) -> None:
        if self.checkpoint_dir:
            checkpoint_write(self.checkpoint_dir, self.standing, self.weights, self.optimiser)

    def _step(self) -> None:
        began, state = time.monotonic(), self.standing
        rate = learning_rate(state.step, len(self.batches), self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = collate(self.batches[state.step], self.pad)
        total, count = answer_loss(self.language_model, batch)
        loss = total / count
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        torch.nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.clip)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise LossDiverged(step=state.step + 1, learning_rate=rate)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        took, tokens = time.monotonic() - began, int(batch.mask.sum())
        state.step += 1
        state.tokens += tokens
        state.seconds += took
        state.curve.append({"step": state.step, "loss": value, "lr": rate, "answer_tokens": count})
        # Linux counts the peak in KiB.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        numbers = state.curve[-1] | {"tokens_per_second": tokens / took, "memory_mb": memory}
        self.hooks.progress(state.step / len(self.batches), numbers)
