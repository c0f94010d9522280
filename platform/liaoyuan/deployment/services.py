"""Bundles go live, split traffic, and are rolled back as one."""

from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.deployment.bundles import BundleParts
from liaoyuan.deployment.models import Bundle, Deployment, DeploymentState, GateReport, Route, RouteTarget
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.pipeline.contract import ArtifactRef

WHOLE = 100


def bundle_create(*, ref: ArtifactRef, solution_id: UUID, parts: BundleParts, groups: list[str]) -> Bundle:
    """The solution's next bundle, under its artifact's id."""
    last = Bundle.objects.filter(solution_id=solution_id).aggregate(last=Max("number"))["last"] or 0
    return Bundle.objects.create(
        id=ref.id,
        organization_id=current_tenant().organization_id,
        solution_id=solution_id,
        number=last + 1,
        collection_id=UUID(parts.collection_id),
        model_version_id=UUID(parts.model_version_id) if parts.model_version_id else None,
        model=parts.model,
        industry=parts.industry,
        scenario=parts.scenario,
        body=parts.as_dict(),
        sha256=parts.sha256,
        groups=groups,
    )


def gate_report_create(*, ref: ArtifactRef, bundle_id: UUID, report: dict[str, Any]) -> GateReport:
    """Keep what was measured, whatever came out."""
    return GateReport.objects.create(
        id=ref.id,
        organization_id=current_tenant().organization_id,
        bundle_id=bundle_id,
        passed=report["passed"],
        source=report["source"],
        questions=report["questions"],
        gates=report["gates"],
        metrics=report["metrics"],
    )


def deployment_create(*, ref: ArtifactRef, bundle_id: UUID, solution_id: UUID, approval: dict[str, Any]) -> Deployment:
    """A bundle goes live under the approver's name."""
    deployment = Deployment.objects.create(
        id=ref.id,
        organization_id=current_tenant().organization_id,
        bundle_id=bundle_id,
        solution_id=solution_id,
        approved_by=UUID(approval["by"]),
        approved_at=timezone.now(),
        note=str(approval.get("note", ""))[:300],
    )
    audit_record(
        action="deployment.live",
        object_kind="deployment",
        object_id=deployment.id,
        detail={"bundle": str(bundle_id), "approved_by": approval["by"]},
    )
    return deployment


def route_point(*, solution_id: UUID, name: str, deployment_id: UUID, weight: int = WHOLE) -> Route:
    """Give ``deployment_id`` a share of the solution's traffic; the others share the rest in their proportion.

    A deployment left without traffic retires; it can be pointed to again, which is the roll-back.
    """
    if not 1 <= weight <= WHOLE:
        raise InvalidInput(detail=f"weight {weight}: 1..{WHOLE}")
    organization_id = current_tenant().organization_id
    route, _ = Route.objects.select_for_update().get_or_create(
        organization_id=organization_id, solution_id=solution_id, defaults={"name": _free_name(name)}
    )
    others = list(route.targets.exclude(deployment_id=deployment_id))
    _share_rest(others, WHOLE - weight)
    RouteTarget.objects.update_or_create(
        organization_id=organization_id, route=route, deployment_id=deployment_id, defaults={"weight": weight}
    )
    served = RouteTarget.objects.filter(route=route).values("deployment_id")
    of_solution = Deployment.objects.filter(solution_id=solution_id)
    of_solution.filter(id__in=served).update(state=DeploymentState.LIVE, retired_at=None)
    retiring = of_solution.exclude(id__in=served).exclude(state=DeploymentState.RETIRED)
    retiring.update(state=DeploymentState.RETIRED, retired_at=timezone.now())
    return route


def deployment_rollback(*, principal: Principal, deployment_id: UUID) -> Route:
    """Point all traffic back to an earlier deployment of the same solution. Raises NotFound, PermissionDenied."""
    require(principal, "deployment.rollback")
    deployment = Deployment.objects.filter(id=deployment_id).first()
    if deployment is None:
        raise NotFound
    route = route_point(solution_id=deployment.solution_id, name="", deployment_id=deployment_id)
    audit_record(action="deployment.rollback", object_kind="deployment", object_id=deployment_id)
    return route


def _share_rest(targets: list[RouteTarget], rest: int) -> None:
    total = sum(target.weight for target in targets)
    for target in targets:
        target.weight = target.weight * rest // total if total else 0
        if target.weight:
            target.save(update_fields=["weight"])
        else:
            target.delete()


def _free_name(name: str) -> str:
    """``name``, or with a number behind it where another solution has it already."""
    taken = set(Route.objects.filter(name__startswith=name).values_list("name", flat=True))
    candidates = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
