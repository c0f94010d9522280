"""Routes: shares of traffic, retirement, roll-back, names per tenant, and rights by group."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.errors import RouteUnknown
from liaoyuan.deployment.models import Bundle, Deployment, Route, RouteTarget
from liaoyuan.deployment.selectors import deployment_for, deployment_get, deployment_live, routes_visible
from liaoyuan.deployment.services import deployment_rollback, route_point
from liaoyuan.errors import InvalidInput, NotFound, PermissionDenied
from tests.integration.deployment.conftest import deploy

NewSolution = Callable[[str], uuid.UUID]


def weights(solution_id: uuid.UUID) -> dict[uuid.UUID, int]:
    targets = RouteTarget.objects.filter(route__solution_id=solution_id)
    return dict(targets.values_list("deployment_id", "weight"))


def state(deployment: Deployment) -> str:
    return Deployment.objects.get(id=deployment.id).state


def test_a_first_deployment_gets_the_whole_route(organization: Any, owner: Any, new_solution: NewSolution) -> None:
    solution = new_solution("qa")
    first = deploy(organization, owner, solution)
    with tenant_context(organization.id):
        route_point(solution_id=solution, name="qa", deployment_id=first.id)
        assert weights(solution) == {first.id: 100}
        assert deployment_for("qa").id == first.id
        live = deployment_live(solution)
        assert live is not None and live.id == first.id


def test_a_canary_takes_its_share_and_the_draw_keeps_to_it(
    organization: Any, owner: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    old, canary = (deploy(organization, owner, solution) for _ in range(2))
    with tenant_context(organization.id):
        route_point(solution_id=solution, name="qa", deployment_id=old.id)
        route_point(solution_id=solution, name="qa", deployment_id=canary.id, weight=10)
        assert weights(solution) == {old.id: 90, canary.id: 10}
        assert state(old) == state(canary) == "live"
        draw = random.Random(3)
        drawn = Counter(deployment_for("qa", draw=draw).id for _ in range(400))
    assert 15 <= drawn[canary.id] <= 70 and drawn[old.id] + drawn[canary.id] == 400


def test_others_keep_their_proportion_and_at_zero_they_retire(
    organization: Any, owner: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    one, two, three = (deploy(organization, owner, solution) for _ in range(3))
    with tenant_context(organization.id):
        route_point(solution_id=solution, name="qa", deployment_id=one.id)
        route_point(solution_id=solution, name="qa", deployment_id=two.id, weight=40)
        route_point(solution_id=solution, name="qa", deployment_id=three.id, weight=50)
        assert weights(solution) == {one.id: 30, two.id: 20, three.id: 50}
        route_point(solution_id=solution, name="qa", deployment_id=three.id)
        assert weights(solution) == {three.id: 100}
        assert [state(each) for each in (one, two, three)] == ["retired", "retired", "live"]
        assert deployment_get(one.id).retired_at is not None


def test_a_roll_back_points_everything_to_the_earlier_bundle_and_keeps_the_day_of_older_retirements(
    organization: Any, owner: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    one, two, three = (deploy(organization, owner, solution) for _ in range(3))
    principal = Principal(user_id=owner.user_id, organization_id=organization.id, role="owner")
    with tenant_context(organization.id, owner.user_id):
        for each in (one, two, three):
            route_point(solution_id=solution, name="qa", deployment_id=each.id)
        retired = deployment_get(one.id).retired_at
        deployment_rollback(principal=principal, deployment_id=two.id)
        assert weights(solution) == {two.id: 100}
        assert [state(each) for each in (one, two, three)] == ["retired", "live", "retired"]
        assert deployment_get(two.id).retired_at is None
        assert deployment_get(one.id).retired_at == retired
        assert Route.objects.get(solution_id=solution).name == "qa"


def test_a_viewer_may_not_roll_back_and_nobody_may_touch_a_strangers_deployment(
    organization: Any, owner: Any, viewer: Any, stranger: Any, other_organization: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    one, two = (deploy(organization, owner, solution) for _ in range(2))
    with tenant_context(organization.id, viewer.user_id):
        for each in (one, two):
            route_point(solution_id=solution, name="qa", deployment_id=each.id)
        with pytest.raises(PermissionDenied):
            deployment_rollback(
                principal=Principal(user_id=viewer.user_id, organization_id=organization.id, role="viewer"),
                deployment_id=one.id,
            )
        assert weights(solution) == {two.id: 100}
    foreign = Principal(user_id=stranger.user_id, organization_id=other_organization.id, role="owner")
    with tenant_context(other_organization.id, stranger.user_id):
        with pytest.raises(NotFound):
            deployment_rollback(principal=foreign, deployment_id=one.id)
        with pytest.raises(NotFound):
            deployment_get(one.id)


@pytest.mark.parametrize("weight", [0, -1, 101])
def test_a_share_outside_of_1_to_100_is_refused(tenant: Any, weight: int) -> None:
    with pytest.raises(InvalidInput):
        route_point(solution_id=uuid.uuid4(), name="x", deployment_id=uuid.uuid4(), weight=weight)
    assert not Route.objects.exists()


def test_a_name_is_free_per_tenant_and_numbered_within_one(
    organization: Any, owner: Any, other_organization: Any, stranger: Any, new_solution: NewSolution
) -> None:
    names = []
    for title in ("a", "b", "c"):
        solution = new_solution(title)
        made = deploy(organization, owner, solution)
        with tenant_context(organization.id):
            names.append(route_point(solution_id=solution, name="qa", deployment_id=made.id).name)
    assert names == ["qa", "qa-2", "qa-3"]
    theirs = deploy(other_organization, stranger, uuid.uuid4())
    with tenant_context(other_organization.id):
        assert route_point(solution_id=theirs.solution_id, name="qa", deployment_id=theirs.id).name == "qa"
        assert deployment_for("qa").id == theirs.id
        with pytest.raises(RouteUnknown):
            deployment_for("qa-2")


def test_who_lacks_a_group_of_the_bundle_neither_sees_the_route_nor_may_use_it(
    organization: Any, owner: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    made = deploy(organization, owner, solution, groups=["board", "legal"])
    with tenant_context(organization.id):
        route_point(solution_id=solution, name="qa", deployment_id=made.id)
    for groups, allowed in (((), False), (("board",), False), (("legal", "board", "x"), True), (None, True)):
        with tenant_context(organization.id, groups=groups):
            assert [route.name for route in routes_visible()] == (["qa"] if allowed else [])
            if allowed:
                assert deployment_for("qa").id == made.id
            else:
                with pytest.raises(RouteUnknown):
                    deployment_for("qa")


def test_behind_one_route_everybody_gets_only_what_their_groups_allow(
    organization: Any, owner: Any, new_solution: NewSolution
) -> None:
    solution = new_solution("qa")
    everybody, board = deploy(organization, owner, solution), deploy(organization, owner, solution, groups=["board"])
    with tenant_context(organization.id):
        route_point(solution_id=solution, name="qa", deployment_id=everybody.id)
        route_point(solution_id=solution, name="qa", deployment_id=board.id, weight=99)
    with tenant_context(organization.id, groups=()):
        assert {deployment_for("qa").id for _ in range(20)} == {everybody.id}


def test_bundles_of_a_solution_are_numbered(organization: Any, owner: Any, new_solution: NewSolution) -> None:
    solution = new_solution("qa")
    made = [deploy(organization, owner, solution) for _ in range(3)]
    assert [each.bundle.number for each in made] == [1, 2, 3]
    with tenant_context(organization.id):
        assert len(set(Bundle.objects.filter(solution_id=solution).values_list("sha256", flat=True))) == 3
