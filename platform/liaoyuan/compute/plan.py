"""The capacity plan: one plan over ingest, training, serving and evaluation on the same machine, with time and cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from liaoyuan.compute.fit import checkpoint_interval, fit_check
from liaoyuan.compute.prices import PriceBook
from liaoyuan.compute.schemas import Fit, Inventory, ModelShape, ServingNeed, TrainingNeed
from liaoyuan.compute.selectors import past_seconds
from liaoyuan.industry.schemas.recipe import TrainingParams
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.pipeline.base_models import BaseModelFile, base_model
from liaoyuan.pipeline.contract import PIPELINE_STAGES, SolutionSpec

# Seconds of a first run on two cores, measured with the shipped packs; own past runs take their place.
FIRST_SECONDS = {"compute": 2, "data": 15, "training": 150, "deployment": 30, "security": 20, "operations": 5}
REFERENCE_CORES = 2.0
# One failure a month is what a single server's mean time between failures looks like from the outside.
MEAN_FAILURE_SECONDS = 30 * 86_400.0
SAVE_SECONDS = 0.5
DISK_NEEDED = 2 << 30


@dataclass(frozen=True)
class StageEstimate:
    """Seconds expected of one stage; ``runs`` past runs stand behind it, 0 means the shipped first estimate."""

    stage: str
    seconds: float
    runs: int


@dataclass(frozen=True)
class Plan:
    """The whole plan, JSON-ready through :meth:`as_dict`."""

    engine: str
    inventory: Inventory
    model: ModelShape
    fit: Fit
    stages: tuple[StageEstimate, ...]
    seconds: float
    cost: float
    currency: str
    checkpoint_seconds: float
    reserved_bytes: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def model_shape(found: BaseModelFile) -> ModelShape:
    """The numbers of a GGUF header that memory depends on."""
    family = str(found.metadata["general.architecture"])

    def number(key: str) -> int:
        return int(found.metadata[f"{family}.{key}"])

    return ModelShape(
        name=found.name,
        parameters=found.parameters,
        file_bytes=found.path.stat().st_size,
        layers=number("block_count"),
        hidden=number("embedding_length"),
        feed_forward=number("feed_forward_length"),
        heads=number("attention.head_count"),
        kv_heads=number("attention.head_count_kv"),
        vocabulary=number("vocab_size"),
        context=number("context_length"),
    )


def stage_estimates(cores: float) -> tuple[StageEstimate, ...]:
    """Seconds by stage: the median of past runs, or the shipped first estimate scaled to this machine's cores."""
    estimates = []
    for stage in PIPELINE_STAGES:
        past, runs = past_seconds(stage)
        first = FIRST_SECONDS[stage] * REFERENCE_CORES / max(1.0, min(cores, 4 * REFERENCE_CORES))
        estimates.append(StageEstimate(stage, first if past is None else past, runs))
    return tuple(estimates)


def training_need(params: TrainingParams, options: Mapping[str, Any]) -> TrainingNeed:
    """What the pack's training recipe asks of memory; the solution's own ``options`` come before it."""
    return TrainingNeed(
        rank=int(options.get("rank", params.rank)),
        targets=params.target_modules,
        batch_tokens=int(options.get("batch_tokens", params.batch_size * params.max_length)),
        steps=int(options.get("max_steps", params.max_steps)),
    )


def plan_make(solution: SolutionSpec, *, inventory: Inventory, book: PriceBook, reserved_bytes: int) -> Plan:
    """The plan of ``solution`` on this machine, with what other pipelines were promised already taken off.

    Needs the tenant context of the solution: its past runs tell how long a stage takes.
    """
    spec = scenario_get(solution.industry, solution.scenario).training
    shape = model_shape(base_model(spec.base_model))
    need = training_need(spec.params, solution.options.get("training", {}))
    available = min(inventory.memory_bytes - reserved_bytes, inventory.memory_free_bytes)
    fit = fit_check(shape, training=need, serving=ServingNeed(), available_bytes=available)
    stages = stage_estimates(inventory.cores)
    seconds = sum(estimate.seconds for estimate in stages)
    cost = book.cost(
        seconds=seconds,
        cores=inventory.cores,
        memory_bytes=fit.needed_bytes,
        accelerators=0,
        day=timezone.localdate(),
    )
    engine = "ray" if inventory.ray and inventory.ray.reachable else "embedded"
    interval = checkpoint_interval(save_seconds=SAVE_SECONDS, mean_failure_seconds=MEAN_FAILURE_SECONDS)
    return Plan(engine, inventory, shape, fit, stages, seconds, cost, book.currency, interval, fit.needed_bytes)
