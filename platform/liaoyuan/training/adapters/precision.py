"""Which arithmetic is fastest here: asked of the machine in a fifth of a second, not assumed.

The answer differs between processors: bf16 weights were four times as fast as float32 on one with full bf16 units,
and half as fast on another of the same age.
"""

import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

ROWS, WIDTH, OUT = 256, 576, 576
BUDGET = 0.2
# bf16 rounds the frozen base, and "medium" the products: each must earn its place.
WORTHWHILE = 1.3

Matmul = Literal["highest", "medium"]
Kind = tuple[torch.dtype, Matmul]
EXACT: Kind = (torch.float32, "highest")
KINDS: tuple[Kind, ...] = (EXACT, (torch.float32, "medium"), (torch.bfloat16, "medium"))


@dataclass(frozen=True)
class Precision:
    """``dtype`` for the frozen base (adapters stay float32), float32 products, and the speeds behind it (one
    thread).
    """

    dtype: torch.dtype
    matmul: Matmul
    gflops: dict[str, float]

    def apply(self) -> None:
        """Put ``matmul`` in force for this process."""
        torch.set_float32_matmul_precision(self.matmul)

    def as_dict(self) -> dict[str, object]:
        return {"base": _name(self.dtype), "matmul": self.matmul, "gflops_one_thread": self.gflops}


def precision_choose() -> Precision:
    """Time the candidates on a product of a small model's shape and choose. Puts nothing in force yet.

    CPU time of one thread, rounds alternating, the best of each: a busy machine must not measure its neighbours.
    """
    threads, before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(1)
    try:
        best = _race()
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(before)
    fastest = max(KINDS, key=lambda kind: best[kind])
    dtype, matmul = fastest if best[fastest] >= WORTHWHILE * best[EXACT] else EXACT
    return Precision(dtype, matmul, {f"{_name(kind[0])} {kind[1]}": round(speed, 1) for kind, speed in best.items()})


def _race() -> dict[Kind, float]:
    """GFLOP/s by candidate."""
    best = dict.fromkeys(KINDS, 0.0)
    inputs = {dtype: (torch.ones(ROWS, WIDTH, dtype=dtype), torch.ones(OUT, WIDTH, dtype=dtype)) for dtype, _ in KINDS}
    for warm in (True, False):  # first calls compile their kernels
        began = time.thread_time()
        while time.thread_time() - began < BUDGET / 2:
            for kind in KINDS:
                torch.set_float32_matmul_precision(kind[1])
                speed = _gflops(*inputs[kind[0]])
                best[kind] = 0.0 if warm else max(best[kind], speed)
    return best


def _gflops(rows: torch.Tensor, weight: torch.Tensor) -> float:
    began = time.thread_time()
    functional.linear(rows, weight)
    return 2e-9 * ROWS * WIDTH * OUT / max(time.thread_time() - began, 1e-9)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
