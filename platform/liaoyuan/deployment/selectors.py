"""Questions about what is live."""

import random
from uuid import UUID

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.deployment.errors import RouteUnknown
from liaoyuan.deployment.models import Bundle, Deployment, DeploymentState, Route
from liaoyuan.errors import NotFound


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
