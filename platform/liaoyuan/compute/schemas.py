"""Typed descriptions of a machine, of a model's shape and of what a run would need. Sizes are in bytes."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Accelerator:
    """One card as its vendor's tool reports it."""

    vendor: str
    name: str
    index: int
    memory_bytes: int
    used_bytes: int = 0


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster that the operator configured, as its dashboard reports it."""

    url: str
    reachable: bool
    version: str = ""
    nodes: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Inventory:
    """What this machine has. ``cores`` and ``memory_bytes`` respect the control group, not only the hardware."""

    cores: float
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int
    cpu_model: str
    cpu_features: tuple[str, ...]
    accelerators: tuple[Accelerator, ...] = ()
    probed: tuple[str, ...] = ()
    ray: RayCluster | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ModelShape:
    """What a decoder's memory depends on; read from its GGUF header."""

    name: str
    parameters: int
    file_bytes: int
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int


@dataclass(frozen=True)
class TrainingNeed:
    """The recipe's side of the fit check."""

    rank: int = 8
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    batch_tokens: int = 2048
    weight_bytes: int = 4
    steps: int = 200


@dataclass(frozen=True)
class ServingNeed:
    """The model server's side of the fit check."""

    slots: int = 4
    context: int = 4096
    kv_bytes: int = 2


@dataclass(frozen=True)
class Fit:
    """Result of the fit check: bytes by part, what there is, and what would help where it does not fit."""

    training: dict[str, int]
    serving: dict[str, int]
    needed_bytes: int
    available_bytes: int
    fits: bool
    advice: tuple[str, ...] = field(default_factory=tuple)
