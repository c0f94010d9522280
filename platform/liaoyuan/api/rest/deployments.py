"""Bundles with their gates, what is live, and which traffic it gets."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router

from liaoyuan.accounts.services import audit_record
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.rows import match, narrowed, one, tagged, within_groups
from liaoyuan.api.rest.schemas.made import (
    BundleDetail,
    BundleOut,
    DeploymentOut,
    DeploymentsQuery,
    Gate,
    GateReportOut,
    OfSolution,
    RouteOut,
    TargetOut,
    Weight,
)
from liaoyuan.deployment.models import Bundle, Deployment, GateReport, Route, RouteTarget
from liaoyuan.deployment.services import deployment_rollback, route_point
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.selectors import solution_get

router = Router(tags=["deployment"])
GATE = frozenset({"name", "metric", "value", "threshold", "passed"})


@operation(router, "GET", "/solutions/{solution_id}/gates", action="deployment.view", response=GateReportOut)
def solution_gates(request: ApiRequest, solution_id: UUID) -> GateReportOut:
    """The newest gate report: every gate with its value and threshold. Not found before the first."""
    bundles = within_groups(Bundle.objects.filter(solution_id=solution_get(solution_id).id)).values("id")
    return _report(one(GateReport.objects.filter(bundle_id__in=bundles).order_by("-created_at")))


@operation(router, "GET", "/bundles", action="deployment.view", response=Page[BundleOut])
def bundles_list(request: ApiRequest, response: HttpResponse, query: Query[OfSolution]) -> Page[BundleOut]:
    """What could go live, or went: collection, model, prompts and policy, fixed by their hashes."""
    rows = narrowed(_bundles(), solution_id=query.solution_id)
    return page(request, response, query, rows, BundleOut.from_orm, sort=query.sort)


@operation(router, "GET", "/bundles/{bundle_id}", action="deployment.view", response=BundleDetail)
def bundle_show(request: ApiRequest, bundle_id: UUID) -> BundleDetail:
    """One bundle with everything that it fixes, and its newest gate report."""
    found = one(_bundles(), id=bundle_id)
    report = GateReport.objects.filter(bundle_id=found.id).order_by("-created_at").first()
    shown = BundleOut.from_orm(found).model_dump()
    return BundleDetail(**shown, body=found.body, report=_report(report) if report else None)


@operation(router, "GET", "/deployments", action="deployment.view", response=Page[DeploymentOut])
def deployments_list(
    request: ApiRequest, response: HttpResponse, query: Query[DeploymentsQuery]
) -> Page[DeploymentOut]:
    """Who let which bundle go live, and when it retired."""
    rows = narrowed(_deployments(), solution_id=query.solution_id, state=query.state)
    return page(request, response, query, rows, _deployment, sort=query.sort)


@operation(router, "GET", "/deployments/{deployment_id}", action="deployment.view", response=DeploymentOut)
def deployment_show(request: ApiRequest, deployment_id: UUID) -> DeploymentOut:
    """One deployment. What waits for approval is a run: GET /runs?wait=approval."""
    return _deployment(one(_deployments(), id=deployment_id))


@operation(
    router, "POST", "/deployments/{deployment_id}/rollback", action="deployment.rollback", response=RouteOut
)  # fmt: skip
def deployment_back(request: ApiRequest, deployment_id: UUID) -> RouteOut:
    """Point all traffic of its solution back to this deployment."""
    one(_deployments(), id=deployment_id)
    return _route(deployment_rollback(principal=request.auth, deployment_id=deployment_id))


@operation(router, "GET", "/routes", action="deployment.view", response=Page[RouteOut])
def routes_list(request: ApiRequest, response: HttpResponse, query: Query[OfSolution]) -> Page[RouteOut]:
    """The names under which solutions are reached, with who answers behind each."""
    rows = narrowed(Route.objects.prefetch_related("targets__deployment__bundle"), solution_id=query.solution_id)
    return page(request, response, query, rows, _route, sort=query.sort)


@operation(router, "GET", "/routes/{route_id}", action="deployment.view", response=RouteOut)
def route_show(request: ApiRequest, route_id: UUID, response: HttpResponse) -> RouteOut:
    """One route; the ETag is what a change of weights may name in If-Match."""
    shown = _route(one(Route.objects.all(), id=route_id))
    tagged(response, shown)
    return shown


@operation(router, "PUT", "/routes/{route_id}/weight", action="deployment.rollback", response=RouteOut)
def route_weigh(request: ApiRequest, route_id: UUID, body: Weight, response: HttpResponse) -> RouteOut:
    """Give a deployment that was approved before a share of the questions, the whole or a canary's."""
    route = one(Route.objects.select_for_update(), id=route_id)
    match(request, _route(route))
    if not _deployments().filter(id=body.deployment_id, solution_id=route.solution_id).exists():
        raise NotFound
    route_point(solution_id=route.solution_id, name=route.name, deployment_id=body.deployment_id, weight=body.weight)
    detail = {"deployment": str(body.deployment_id), "weight": body.weight}
    audit_record(action="route.weight", object_kind="route", object_id=route.id, detail=detail)
    shown = _route(one(Route.objects.all(), id=route_id))
    tagged(response, shown)
    return shown


def _bundles() -> Any:
    return within_groups(Bundle.objects.all())


def _deployments() -> Any:
    return within_groups(Deployment.objects.select_related("bundle"), "bundle__groups")


def _report(report: GateReport) -> GateReportOut:
    return GateReportOut(
        id=report.id,
        bundle_id=report.bundle_id,
        passed=report.passed,
        source=report.source,
        questions=report.questions,
        gates=[_gate(gate) for gate in report.gates],
        metrics=report.metrics,
        created_at=report.created_at,
    )


def _gate(gate: dict[str, Any]) -> Gate:
    known = {name: gate.get(name) for name in GATE}
    detail = {name: value for name, value in gate.items() if name not in GATE}
    return Gate.model_validate(known | {"passed": bool(gate.get("passed")), "detail": detail})


def _deployment(found: Deployment) -> DeploymentOut:
    names = [name for name in DeploymentOut.model_fields if name != "bundle_number"]
    return DeploymentOut(**{name: getattr(found, name) for name in names}, bundle_number=found.bundle.number)


def _route(route: Route) -> RouteOut:
    return RouteOut(
        id=route.id,
        name=route.name,
        solution_id=route.solution_id,
        targets=[_target(target) for target in sorted(route.targets.all(), key=lambda found: -found.weight)],
        created_at=route.created_at,
    )


def _target(target: RouteTarget) -> TargetOut:
    number = target.deployment.bundle.number
    return TargetOut(deployment_id=target.deployment_id, bundle_number=number, weight=target.weight)
