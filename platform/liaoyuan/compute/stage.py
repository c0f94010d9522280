"""Stage 1: what is here, does it fit, how long, how much — and a reservation."""

import json
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from liaoyuan.compute.errors import DiskTooSmall, DoesNotFit
from liaoyuan.compute.inventory import inventory_probe
from liaoyuan.compute.models import CapacityPlan
from liaoyuan.compute.plan import DISK_NEEDED, Plan, plan_make
from liaoyuan.compute.prices import price_book
from liaoyuan.compute.schemas import Inventory
from liaoyuan.compute.selectors import memory_reserved, reservations_end
from liaoyuan.compute.services import reservation_create
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

    def plan(self, solution: SolutionSpec) -> StagePlan:
        made = self._plan(solution, self._inventory())
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
        made = self._plan(context.solution, inventory)
        if not made.fit.fits:
            self._refuse_or_wait(context.solution, inventory, made)
        return self._artifacts(context, made)

    def _inventory(self) -> Inventory:
        return inventory_probe(folder=Path(settings.VAR), ray_url=settings.RAY_URL, ray_token=settings.RAY_TOKEN)

    def _plan(self, solution: SolutionSpec, inventory: Inventory) -> Plan:
        reserved = memory_reserved(except_solution=solution.solution_id)
        book = price_book(Path(settings.VAR))
        return plan_make(solution, inventory=inventory, book=book, reserved_bytes=reserved)

    def _refuse_or_wait(self, solution: SolutionSpec, inventory: Inventory, made: Plan) -> None:
        """Others' reservations are worth waiting for; a machine that is too small is not."""
        alone = plan_make(solution, inventory=inventory, book=price_book(Path(settings.VAR)), reserved_bytes=0)
        ends = reservations_end()
        if alone.fit.fits and ends is not None:
            raise WaitFor(
                kind="quota",
                reason_zh=f"内存已预留给其他流水线，最迟 {ends:%H:%M} 释放",
                reason_en=f"The memory is reserved for other pipelines until {ends:%H:%M} UTC at the latest",
            )
        advice = ", ".join(alone.fit.advice)
        raise DoesNotFit(needed=gib(alone.fit.needed_bytes), available=gib(alone.fit.available_bytes), advice=advice)

    def _artifacts(self, context: StageContext, made: Plan) -> Artifacts:
        path = context.workdir / "capacity-plan.json"
        body = made.as_dict()
        path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")

        def save(ref: ArtifactRef) -> None:
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


def _refuse_unreachable_ray(inventory: Inventory) -> None:
    """A configured engine that is down is waited for; falling back in silence would hide it."""
    if inventory.ray is not None and not inventory.ray.reachable:
        raise WaitFor(
            kind="engine",
            reason_zh=f"已配置的 Ray 集群无法连接：{inventory.ray.url}",
            reason_en=f"The configured Ray cluster cannot be reached: {inventory.ray.url}",
        )
