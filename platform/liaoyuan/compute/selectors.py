"""Questions about capacity: what is promised, and how long stages took before."""

from datetime import datetime
from statistics import median
from uuid import UUID

from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.compute.models import CapacityPlan, Reservation
from liaoyuan.pipeline.models import RunState, StageRun

PAST_RUNS = 20


def reservations_live(queryset: QuerySet[Reservation]) -> QuerySet[Reservation]:
    """The reservations of ``queryset`` that are neither released nor lapsed."""
    return queryset.filter(released_at__isnull=True, lapses_at__gt=timezone.now())


def memory_reserved(*, except_solution: UUID) -> int:
    """Bytes promised on this machine to all organizations together."""
    with system_context("sum of reservations") as alias:
        live = reservations_live(Reservation.objects.using(alias)).exclude(solution_id=except_solution)
        return int(live.aggregate(total=Sum("memory_bytes"))["total"] or 0)


def reservations_end(*, except_solution: UUID) -> datetime | None:
    """When the last live reservation of anybody else lapses at the latest, or None without one."""
    with system_context("end of reservations") as alias:
        live = reservations_live(Reservation.objects.using(alias)).exclude(solution_id=except_solution)
        last: datetime | None = live.aggregate(last=Max("lapses_at"))["last"]
        return last


def past_seconds(stage: str) -> tuple[float | None, int]:
    """Median seconds of the organization's last succeeded runs of ``stage``, and how many there were.

    Needs a tenant context.
    """
    runs = StageRun.objects.filter(stage=stage, state=RunState.SUCCEEDED, started_at__isnull=False)
    last = runs.order_by("-finished_at").values_list("started_at", "finished_at")[:PAST_RUNS]
    seconds = [(end - start).total_seconds() for start, end in last if start and end]
    return (median(seconds), len(seconds)) if seconds else (None, 0)


def plan_of_run(run: StageRun) -> CapacityPlan | None:
    """The capacity plan that a compute run made, or None. Needs a tenant context."""
    ids = [item["id"] for item in run.result.get("artifacts", []) if item["kind"] == "capacity_plan"]
    return CapacityPlan.objects.filter(id__in=ids).first()


def reservation_of(plan_id: UUID) -> Reservation | None:
    """The newest reservation that a plan holds or held. Needs a tenant context."""
    return Reservation.objects.filter(plan_id=plan_id).order_by("-created_at").first()
