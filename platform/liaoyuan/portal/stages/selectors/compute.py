"""The compute page: the machine, whether the model fits on it, how long and how much, and what is held for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from liaoyuan.compute.models import CapacityPlan, Reservation
from liaoyuan.compute.prices import Price, PriceBookInvalid, price_book
from liaoyuan.compute.selectors import memory_reserved, plan_of_run, reservation_of
from liaoyuan.pipeline.models import StageRun
from liaoyuan.portal.stages.charts import memory_option
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.portal.stages.words import PARTS, TITLES

GIB = float(1 << 30)


@dataclass(frozen=True)
class Part:
    """One share of the memory that is needed, in bytes. ``side`` is training or serving."""

    side: str
    name: Any
    size: int


@dataclass(frozen=True)
class Estimate:
    """A stage's expected seconds and what this pass really took (None until it has ended)."""

    title: Any
    seconds: float
    runs: int
    took: float | None


@dataclass(frozen=True)
class ComputePage:
    """``free`` is what was there for the plan, ``others`` what other pipelines hold now; all in bytes."""

    plan: CapacityPlan
    inventory: Mapping[str, Any]
    model: Mapping[str, Any]
    parts: Sequence[Part]
    needed: int
    free: int
    advice: Sequence[str]
    estimates: Sequence[Estimate]
    learned: bool
    price: Price | None
    currency: str
    reservation: Reservation | None
    held: bool
    others: int
    chart: Mapping[str, Any]

    @property
    def cores(self) -> float:
        """Whole cores as a whole number; a control group may allow half of one."""
        found = float(self.inventory["cores"])
        return int(found) if found.is_integer() else found


def compute_page(frame: Frame, now: datetime) -> ComputePage | None:
    """The plan that the chosen run made; None where it made none."""
    plan = plan_of_run(frame.run.row) if frame.run else None
    if plan is None or frame.run is None:
        return None
    body = plan.body
    fit = body["fit"]
    parts = [*_parts("training", fit["training"]), *_parts("serving", fit["serving"])]
    reservation = reservation_of(plan.id)
    return ComputePage(
        plan=plan,
        inventory=body["inventory"],
        model=body["model"],
        parts=parts,
        needed=fit["needed_bytes"],
        free=fit["available_bytes"],
        advice=advice_sentences(fit["advice"]),
        estimates=_estimates(body["stages"], _took(frame.run.row)),
        learned=any(stage["runs"] for stage in body["stages"]),
        price=_price(plan.created_at.date()),
        currency=plan.currency,
        reservation=reservation,
        held=bool(reservation and reservation.released_at is None and reservation.lapses_at > now),
        others=memory_reserved(except_solution=plan.solution_id),
        chart=memory_option(_drawn(fit), fit["needed_bytes"], fit["available_bytes"]),
    )


def misfit_advice(frame: Frame) -> list[str]:
    """What would make it fit, of a run that failed because it does not."""
    error = frame.run.row.error if frame.run else {}
    if error.get("code") != "does_not_fit":
        return []
    return advice_sentences(str(error.get("params", {}).get("advice", "")).split(", "))


def advice_sentences(advice: Sequence[str]) -> list[str]:
    """The fit check's advice as sentences; one that is not known stands as it is."""
    return [_advice(item) for item in advice if item]


def _advice(item: str) -> str:
    name, _equals, value = item.partition("=")
    match name:
        case "batch_tokens":
            return _("Train with batches of %(tokens)s tokens instead: slower, same result in the end.") % {
                "tokens": value
            }
        case "weights":
            return _("Keep the frozen weights in half precision (bf16).")
        case "memory+":
            return _("Give this machine at least %(memory)s more memory.") % {"memory": value.replace("MiB", " MiB")}
    return item


def _parts(side: str, sizes: Mapping[str, int]) -> list[Part]:
    found = [Part(side, PARTS.get(name, name), size) for name, size in sizes.items()]
    return sorted(found, key=lambda part: -part.size)


def _drawn(fit: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The parts in the order of the bar; what is too thin to be seen alone is drawn together."""
    train, serve = fit["training"], fit["serving"]
    learnt = sum(train.get(name, 0) for name in ("adapters", "gradients", "optimizer"))
    return [
        (_("Weights to train"), train.get("weights", 0)),
        (_("Adapter, gradients, optimizer"), learnt),
        (_("Activations"), train.get("activations", 0)),
        (_("Logits"), train.get("logits", 0)),
        (_("Runtime of training"), train.get("runtime", 0)),
        (_("Weights to serve"), serve.get("weights", 0)),
        (_("Key-value cache"), serve.get("kv_cache", 0)),
        (_("Runtime of serving"), serve.get("runtime", 0)),
    ]


def _took(run: StageRun) -> dict[str, float]:
    if run.pipeline_id is None:
        return {}
    ended = StageRun.objects.filter(pipeline_id=run.pipeline_id, started_at__isnull=False, finished_at__isnull=False)
    rows = ended.values_list("stage", "started_at", "finished_at")
    return {stage: (end - start).total_seconds() for stage, start, end in rows if start and end}


def _estimates(stages: Sequence[Mapping[str, Any]], took: Mapping[str, float]) -> list[Estimate]:
    return [
        Estimate(TITLES.get(row["stage"], row["stage"]), row["seconds"], row["runs"], took.get(row["stage"]))
        for row in stages
    ]


def _price(day: date) -> Price | None:
    try:
        return price_book(Path(settings.VAR)).on(day)
    except PriceBookInvalid:
        return None
