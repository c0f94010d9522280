"""The plan of a solution that may not exist yet, by the compute stage's own reckoning."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.rows import one
from liaoyuan.api.rest.schemas.work import FitOut, MachineOut, PlanOut, StageEstimateOut
from liaoyuan.compute.inventory import inventory_probe
from liaoyuan.compute.plan import Plan, plan_make
from liaoyuan.compute.prices import price_book
from liaoyuan.compute.selectors import memory_reserved
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.knowledge.models import Collection
from liaoyuan.pipeline.contract import SolutionSpec


def plan_out(
    who: Principal,
    solution_id: UUID,
    industry: str,
    scenario: str,
    collection_id: UUID | None,
    options: Mapping[str, Any],
) -> PlanOut:
    """Probe this machine and reckon. Raises IndustryUnknown, ScenarioUnknown, NotFound for a foreign collection."""
    spec = scenario_get(industry, scenario)
    if collection_id is not None:
        with tenant_context(who.organization_id, who.user_id):
            one(Collection.objects.all(), id=collection_id)
    solution = SolutionSpec(
        organization_id=who.organization_id,
        solution_id=solution_id,
        industry=industry,
        scenario=scenario,
        collection_id=collection_id,
        requested_by=who.user_id,
        options=options,
    )
    # Probing asks other programs: no transaction is held meanwhile.
    inventory = inventory_probe(folder=Path(settings.VAR), ray_url=settings.RAY_URL, ray_token=settings.RAY_TOKEN)
    book, reserved = price_book(Path(settings.VAR)), memory_reserved(except_solution=solution_id)
    with tenant_context(who.organization_id, who.user_id):
        made = plan_make(solution, inventory=inventory, book=book, reserved_bytes=reserved)
    return _shown(made, [need.model_dump(mode="json") for need in spec.documents])


def _shown(made: Plan, documents: list[dict[str, Any]]) -> PlanOut:
    inventory = asdict(made.inventory)
    return PlanOut(
        engine=made.engine,
        fits=made.fit.fits,
        seconds=made.seconds,
        cost=made.cost,
        currency=made.currency,
        stages=[StageEstimateOut(**asdict(stage)) for stage in made.stages],
        fit=FitOut(**asdict(made.fit)),
        machine=MachineOut(**{name: inventory[name] for name in MachineOut.model_fields}),
        documents=documents,
    )
