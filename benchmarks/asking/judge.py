"""The judgement whether evidence answers, as a small network that cannot go against common sense.

Features alone do not tell: an unheard-of word speaks against an answer unless the passage is near in meaning. So a few
hidden units, each monotone in every feature: what speaks for an answer never lowers it, and the other way round. Three
networks from different starts are averaged, which evens out chance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

HIDDEN, STEPS, RATE, DECAY, PULL, REACH = 8, 800, 0.01, 1e-3, 1e-4, 4.0
SEEDS = (0, 1, 2)

Array = NDArray[np.float64]


def judgement_fit(features: Array, answered: NDArray[np.bool_], share: Array, signs: Sequence[int]) -> dict[str, Any]:
    """``features`` (questions, features), what each question counts in ``share``, and whether each feature speaks for
    an answer (1), against one (-1), or is not known (0): the model as :mod:`liaoyuan.knowledge.abstain` reads it,
    without its threshold."""
    mean, spread = features.mean(0), features.std(0) + 1e-6
    scaled = torch.tensor(np.clip((features - mean) / spread, -REACH, REACH), dtype=torch.float32)
    target = torch.tensor(answered, dtype=torch.float32)
    weight = torch.tensor(share / share.sum(), dtype=torch.float32)
    fixed = torch.tensor(signs, dtype=torch.float32)
    networks = [_stored(_network(scaled, target, weight, fixed, seed)) for seed in SEEDS]
    return {"mean": _rounded(mean), "spread": _rounded(spread), "reach": REACH, "networks": networks}


def _network(scaled: Tensor, target: Tensor, weight: Tensor, signs: Tensor, seed: int) -> tuple[nn.Linear, nn.Linear]:
    torch.manual_seed(seed)
    inner, outer = nn.Linear(scaled.shape[1], HIDDEN), nn.Linear(HIDDEN, 1)
    with torch.no_grad():
        inner.weight.copy_(inner.weight.abs() * signs)
        outer.weight.abs_()
    parameters = [*inner.parameters(), *outer.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        found = outer(torch.tanh(inner(scaled)))[:, 0]
        losses = functional.binary_cross_entropy_with_logits(found, target, reduction="none")
        pull = torch.stack([(each**2).sum() for each in parameters]).sum()
        ((losses * weight).sum() + PULL * pull).backward()  # type: ignore[no-untyped-call] # torch has no types here
        optimizer.step()
        with torch.no_grad():
            inner.weight.copy_(signs * (inner.weight * signs).clamp_min(0))
            outer.weight.clamp_(min=0)
    return inner, outer


def _stored(network: tuple[nn.Linear, nn.Linear]) -> dict[str, Any]:
    inner, outer = network
    return {
        "inputs": [_rounded(row) for row in inner.weight.detach().numpy()],
        "biases": _rounded(inner.bias.detach().numpy()),
        "outputs": _rounded(outer.weight.detach().numpy()[0]),
        "bias": round(float(outer.bias.detach()[0]), 4),
    }


def _rounded(values: NDArray[Any]) -> list[float]:
    return [round(float(value), 4) for value in values]
