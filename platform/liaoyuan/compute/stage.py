"""Stage 1: what is here, does it fit, how long, how much — and a reservation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.errors import DiskTooSmall, DoesNotFit
from liaoyuan.compute.inventory import inventory_probe
from liaoyuan.compute.models import CapacityPlan
from liaoyuan.compute.plan import DISK_NEEDED, Plan, plan_make
from liaoyuan.compute.prices import price_book
from liaoyuan.compute.schemas import Inventory
from liaoyuan.compute.selectors import memory_reserved, reservations_end
from liaoyuan.compute.services import reservation_create, reservations_lock
from liaoyuan.pipeline.contract import (
    ArtifactRef,
    Artifacts,
    NewArtifact,
    Parent,
    SolutionSpec,
    StageContext,
    StageName,
    StagePlan,
    WaitFor,
)

GIB = float(1 << 30)


def gib(size: float) -> str:
    """Bytes for people."""
    return f"{size / GIB:.1f} GiB"


class ComputeStage:
    """Takes the scenario's needs and the machine; gives a CapacityPlan and holds what it promises."""

    name: ClassVar[StageName] = StageName.COMPUTE
    queue: ClassVar[str] = "light"

    def __init__(self, take_stock: Callable[[], Inventory] | None = None) -> None:
        """``take_stock`` probes the machine; the default asks this one and the configured Ray."""
        self._inventory = take_stock or _this_machine

    def plan(self, solution: SolutionSpec) -> StagePlan:
        made = self._plan(solution, self._inventory(), memory_reserved(except_solution=solution.solution_id))
        return StagePlan(
            summary_zh=f"{made.engine}：约 {made.seconds / 60:.0f} 分钟，{made.cost:.2f} {made.currency}",
            summary_en=f"{made.engine}: about {made.seconds / 60:.0f} min, {made.cost:.2f} {made.currency}",
            seconds=made.seconds,
            cost=made.cost,
            memory_bytes=made.fit.needed_bytes,
            fits=made.fit.fits,
            advice=made.fit.advice,
        )

    def run(self, context: StageContext) -> Artifacts:
        """Probe, check the fit, wait for other pipelines' memory if need be, register the plan and its reservation."""
        context.progress(0.1, "正在盘点本机资源", "Taking stock of this machine")
        inventory = self._inventory()
        _refuse_unreachable_ray(inventory)
        if inventory.disk_free_bytes < DISK_NEEDED:
            raise DiskTooSmall(needed=gib(DISK_NEEDED), available=gib(inventory.disk_free_bytes))
        context.progress(0.6, "正在检查是否装得下", "Checking the fit")
        reserved = memory_reserved(except_solution=context.solution.solution_id)
        made = self._plan(context.solution, inventory, reserved)
        if not made.fit.fits:
            self._refuse_or_wait(context.solution, inventory)
        return self._artifacts(context, made, reserved)

    def _plan(self, solution: SolutionSpec, inventory: Inventory, reserved: int) -> Plan:
        book = price_book(Path(settings.VAR))
        with tenant_context(solution.organization_id, solution.requested_by):
            return plan_make(solution, inventory=inventory, book=book, reserved_bytes=reserved)

    def _refuse_or_wait(self, solution: SolutionSpec, inventory: Inventory) -> None:
        """Others' reservations are worth waiting for; a machine that is too small is not."""
        alone = self._plan(solution, inventory, 0)
        if alone.fit.fits:
            raise _quota(solution)
        advice = ", ".join(alone.fit.advice)
        raise DoesNotFit(needed=gib(alone.fit.needed_bytes), available=gib(alone.fit.available_bytes), advice=advice)

    def _artifacts(self, context: StageContext, made: Plan, reserved: int) -> Artifacts:
        path = context.workdir / "capacity-plan.json"
        body = made.as_dict()
        path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")

        def save(ref: ArtifactRef) -> None:
            reservations_lock()
            if memory_reserved(except_solution=context.solution.solution_id) > reserved:
                # Somebody was faster: what this plan counted on is promised to them.
                raise _quota(context.solution)
            row = CapacityPlan.objects.create(
                id=ref.id,
                organization_id=context.solution.organization_id,
                solution_id=context.solution.solution_id,
                engine=made.engine,
                fits=made.fit.fits,
                seconds=made.seconds,
                cost=made.cost,
                currency=made.currency,
                body=body,
            )
            reservation_create(plan=row, memory_bytes=made.reserved_bytes, cores=made.inventory.cores)

        parents = (Parent("solution", context.solution.solution_id, "planned_for"),)
        meta = {"engine": made.engine, "seconds": made.seconds, "cost": made.cost, "currency": made.currency}
        needed, free = gib(made.fit.needed_bytes), gib(made.fit.available_bytes)
        return Artifacts(
            items=(NewArtifact("capacity_plan", "capacity plan", parents, path=path, meta=meta, save=save),),
            result=meta | {"needed_bytes": made.fit.needed_bytes, "cores": made.inventory.cores},
            summary_zh=f"{made.inventory.cores:g} 核，需 {needed}／可用 {free}，预计 {made.seconds / 60:.1f} 分钟",
            summary_en=f"{made.inventory.cores:g} cores, {needed} of {free} needed, about {made.seconds / 60:.1f} min",
        )


def _this_machine() -> Inventory:
    return inventory_probe(folder=Path(settings.VAR), ray_url=settings.RAY_URL, ray_token=settings.RAY_TOKEN)


def _quota(solution: SolutionSpec) -> WaitFor:
    """The wait for what other pipelines hold; the reservation that lapses last bounds it."""
    ends = timezone.localtime(reservations_end(except_solution=solution.solution_id))
    return WaitFor(
        kind="quota",
        reason_zh=f"内存已预留给其他流水线，最迟 {ends:%H:%M} 释放",
        reason_en=f"The memory is reserved for other pipelines until {ends:%H:%M} at the latest",
    )


def _refuse_unreachable_ray(inventory: Inventory) -> None:
    """A configured engine that is down is waited for; falling back in silence would hide it."""
    if inventory.ray is not None and not inventory.ray.reachable:
        raise WaitFor(
            kind="engine",
            reason_zh=f"已配置的 Ray 集群无法连接：{inventory.ray.url}",
            reason_en=f"The configured Ray cluster cannot be reached: {inventory.ray.url}",
        )
