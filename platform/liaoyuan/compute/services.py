"""Reserve and release what a pipeline was promised."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import timezone

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.compute.models import CapacityPlan, Reservation
from liaoyuan.compute.prices import price_book
from liaoyuan.compute.selectors import reservations_live

# A pipeline that nobody finishes must not hold memory for ever.
LAPSE_FACTOR = 4
LAPSE_LEAST = timedelta(minutes=30)
# The advisory lock of all reservations: an arbitrary number, the same in every process.
RESERVATIONS = 0x72657376


def reservation_create(*, plan: CapacityPlan, memory_bytes: int, cores: float) -> Reservation:
    """Promise memory and cores to the plan's solution; an earlier promise to the same solution is replaced."""
    reservation_release(solution_id=plan.solution_id)
    lapse = max(LAPSE_LEAST, timedelta(seconds=LAPSE_FACTOR * plan.seconds))
    return Reservation.objects.create(
        organization_id=current_tenant().organization_id,
        solution_id=plan.solution_id,
        plan=plan,
        memory_bytes=memory_bytes,
        cores=cores,
        lapses_at=timezone.now() + lapse,
    )


def reservations_lock() -> None:
    """Until the transaction ends nobody else on this machine reserves: what is read as free stays free."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RESERVATIONS])


def reservation_release(*, solution_id: UUID) -> int:
    """Give back what ``solution_id`` holds; how many reservations that were."""
    held = reservations_live(Reservation.objects.filter(solution_id=solution_id))
    return held.update(released_at=timezone.now())


class ReservationPort:
    """Serves ``pipeline.ports.Reservations``."""

    def release(self, *, solution_id: UUID) -> None:
        reservation_release(solution_id=solution_id)


class CostPort:
    """Serves ``pipeline.ports.Costs`` from the price book in force."""

    def of_seconds(self, seconds: float) -> float:
        """Cost of one core for ``seconds``: what an answer on this machine holds while it is made."""
        book = price_book(Path(settings.VAR))
        return book.cost(seconds=seconds, cores=1.0, memory_bytes=0, accelerators=0, day=timezone.localdate())
