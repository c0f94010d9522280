"""Matrix products of the encoder's layers: in float32, or in eight bits where this processor does those faster.

Eight bits: weights are rounded once, each output's row by its own scale; inputs are rounded on the way, each token's
row by its own scale, because a few of E5's features are a hundred times as large as the others and one scale for all
tokens would drown the rest. Against float32 the vectors keep a cosine of 0.999.
"""

import time
from functools import cache
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_LARGEST = 127.0
_TRIAL_TOKENS, _TRIAL_INPUTS, _TRIAL_OUTPUTS, _TRIAL_TURNS = 128, 384, 1536, 5
# Rounding is worth its while only where it saves clearly.
_LEAST_GAIN = 1.2


class Product(Protocol):
    """(tokens, inputs) to (tokens, outputs), the bias added; ``weight`` is (outputs, inputs)."""

    name: str

    def __init__(self, weight: Tensor, bias: Tensor) -> None: ...
    def __call__(self, states: Tensor) -> Tensor: ...


class Float32:
    """As the model was trained."""

    name = "float32"

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, states: Tensor) -> Tensor:
        return functional.linear(states, self._weight, self._bias)


class Int8:
    """Weights and inputs in eight bits, sums in 32: a quarter of the memory, and one instruction for four products."""

    name = "int8"

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        scale = (weight.abs().amax(1, keepdim=True) / _LARGEST).clamp_min(1e-12)
        self._weight = (weight / scale).round().to(torch.int8).t().contiguous()
        self._scale, self._bias = scale.squeeze(1).contiguous(), bias

    def __call__(self, states: Tensor) -> Tensor:
        scale = states.abs().amax(1, keepdim=True).mul_(1 / _LARGEST).clamp_min_(1e-12)
        rounded = (states / scale).round_().to(torch.int8)
        sums: Tensor = torch._int_mm(rounded, self._weight)
        return sums.to(torch.float32).mul_(scale).mul_(self._scale).add_(self._bias)


@cache
def product_choose() -> type[Product]:
    """What this processor is faster at, found by trying both for some milliseconds of its own time."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(_TRIAL_OUTPUTS, _TRIAL_INPUTS, generator=generator)
    states = torch.randn(_TRIAL_TOKENS, _TRIAL_INPUTS, generator=generator)
    try:
        rounded = _seconds(Int8(weight, weight[:, 0].contiguous()), states)
    except (RuntimeError, NotImplementedError):  # this build of torch has no such product
        return Float32
    return Int8 if rounded * _LEAST_GAIN < _seconds(Float32(weight, weight[:, 0].contiguous()), states) else Float32


@torch.inference_mode()
def _seconds(product: Product, states: Tensor) -> float:
    """The best of a few turns after one to warm up, in processor seconds: other programs hardly disturb those."""
    product(states)
    times = []
    for _ in range(_TRIAL_TURNS):
        began = time.thread_time()
        product(states)
        times.append(time.thread_time() - began)
    return min(times)
