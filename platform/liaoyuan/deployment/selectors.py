"""Questions about what is live."""

import json
import random
from typing import Any
from uuid import UUID

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.deployment.errors import RouteUnknown
from liaoyuan.deployment.models import Bundle, Deployment, DeploymentState, Route
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.models import Artifact, StageRun
from liaoyuan.pipeline.storage import storage


def routes_visible() -> list[Route]:
    """The routes that lead somewhere for the current user, by name."""
    routes = Route.objects.prefetch_related("targets__deployment__bundle").order_by("name")
    return [route for route in routes if any(_may_use(t.deployment.bundle) for t in route.targets.all())]


def deployment_for(name: str, *, draw: random.Random | None = None) -> Deployment:
    """The deployment that answers under the route ``name``, drawn by weight. Raises RouteUnknown."""
    route = next((route for route in routes_visible() if route.name == name), None)
    if route is None:
        raise RouteUnknown(name=name)
    targets = [target for target in route.targets.all() if _may_use(target.deployment.bundle)]
    drawn = (draw or random.SystemRandom()).choices(targets, weights=[target.weight for target in targets])[0]
    return drawn.deployment


def deployment_get(deployment_id: UUID) -> Deployment:
    """One deployment with its bundle. Raises NotFound for a missing or foreign one."""
    found = Deployment.objects.select_related("bundle").filter(id=deployment_id).first()
    if found is None:
        raise NotFound
    return found


def deployment_live(solution_id: UUID) -> Deployment | None:
    """The newest live deployment of a solution, or None."""
    live = Deployment.objects.select_related("bundle").filter(solution_id=solution_id, state=DeploymentState.LIVE)
    return live.order_by("-approved_at").first()


def _may_use(bundle: Bundle) -> bool:
    """A bundle trained on restricted documents asks for all of their groups; owner and steward pass."""
    groups = current_tenant().groups
    return groups is None or set(bundle.groups) <= set(groups)


def deployments_of(solution_id: UUID) -> list[Deployment]:
    """All that ever went live of a solution, newest first, with their bundles."""
    return list(Deployment.objects.select_related("bundle").filter(solution_id=solution_id).order_by("-approved_at"))


def route_of(solution_id: UUID) -> Route | None:
    """The solution's route with its targets and their bundles, or None before anything went live."""
    return Route.objects.prefetch_related("targets__deployment__bundle").filter(solution_id=solution_id).first()


def bundle_usable(bundle: Bundle) -> bool:
    """Whether the caller may see what the bundle quotes: all documents behind it."""
    return _may_use(bundle)


def gate_report_of(run: StageRun) -> dict[str, Any]:
    """What a deployment run measured: its report with every question; empty while nothing was measured.

    A run that waits, or whose gates failed, keeps it in its checkpoint; one that succeeded, as an artifact.
    """
    made = [item["id"] for item in run.result.get("artifacts", []) if item["kind"] == "gate_report"]
    found = Artifact.objects.filter(id__in=made).exclude(uri="").first()
    if found is not None:
        report: dict[str, Any] = json.loads(storage().open_path(found.uri).read_text(encoding="utf-8"))
        return report
    return dict(run.checkpoint.get("report") or run.checkpoint.get("failed_report") or {})
