"""Stage 1 as a durable run: the plan, the reservation, and every reason to wait or to refuse."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.models import CapacityPlan, Reservation
from liaoyuan.compute.plan import DISK_NEEDED, FIRST_SECONDS, stage_estimates
from liaoyuan.compute.schemas import Inventory, RayCluster
from liaoyuan.compute.selectors import memory_reserved, past_seconds
from liaoyuan.compute.services import ReservationPort, reservation_create
from liaoyuan.compute.stage import ComputeStage
from liaoyuan.pipeline import registry
from liaoyuan.pipeline.contract import SolutionSpec, StageName
from liaoyuan.pipeline.models import Artifact, Lineage, RunState, StageRun
from liaoyuan.pipeline.services import solution_create, stage_run_execute, stage_run_start
from liaoyuan.pipeline.storage import storage

GIB = 1 << 30
# So large that reservations of other tests, which count for the whole machine, do not matter.
MACHINE: dict[str, Any] = {
    "cores": 2.0,
    "memory_bytes": 1 << 50,
    "memory_free_bytes": 1 << 50,
    "disk_free_bytes": 100 * GIB,
    "cpu_model": "test",
    "cpu_features": (),
}


@pytest.fixture
def machine() -> Iterator[Callable[..., None]]:
    """``machine(memory_bytes=…)``: stage 1 finds this machine; afterwards the real one again."""
    before = registry._stages[StageName.COMPUTE]

    def found(**changes: Any) -> None:
        inventory = Inventory(**(MACHINE | changes))
        registry.stage_register(ComputeStage(take_stock=lambda: inventory))

    found()
    yield found
    registry.stage_register(before)


Start = Callable[..., StageRun]


@pytest.fixture
def start(machine: Callable[..., None]) -> Start:
    """``start(organization, member)`` queues stage 1 of a new solution."""

    def begin(organization: Any, member: Any) -> StageRun:
        with tenant_context(organization.id, member.user_id):
            name = f"compute {uuid.uuid4()}"
            solution, _ = solution_create(name=name, industry="medical", scenario="guideline-qa")
            return stage_run_start(stage=StageName.COMPUTE, solution_id=solution.id)

    return begin


def solution_of(run: StageRun) -> uuid.UUID:
    assert run.solution_id is not None
    return run.solution_id


def now(run: StageRun) -> StageRun:
    with tenant_context(run.organization_id):
        return StageRun.objects.get(id=run.id)


def execute(run: StageRun) -> StageRun:
    stage_run_execute(run_id=run.id)
    return now(run)


def wake(run: StageRun) -> StageRun:
    """What the reaper does to a run whose quota or engine is asked for again."""
    with tenant_context(run.organization_id):
        StageRun.objects.filter(id=run.id).update(state=RunState.QUEUED, not_before=None)
    return execute(run)


def needed(start: Start, organization: Any, owner: Any) -> int:
    run = execute(start(organization, owner))
    release(run)
    return int(run.result["needed_bytes"])


def release(run: StageRun) -> None:
    with tenant_context(run.organization_id):
        ReservationPort().release(solution_id=solution_of(run))


def test_the_plan_is_stored_with_its_reservation_and_its_parent(start: Start, organization: Any, owner: Any) -> None:
    run = execute(start(organization, owner))
    assert run.state == RunState.SUCCEEDED, run.error
    with tenant_context(organization.id):
        plan = CapacityPlan.objects.get(solution_id=solution_of(run))
        held = Reservation.objects.get(solution_id=solution_of(run))
        artifact = Artifact.objects.get(id=plan.id)
        edge = Lineage.objects.get(child_id=plan.id)
    body = json.loads(storage().open_path(artifact.uri).read_text(encoding="utf-8"))
    assert body == plan.body
    assert (plan.engine, plan.fits, plan.currency) == ("embedded", True, "CNY")
    assert plan.seconds == sum(stage["seconds"] for stage in body["stages"]) > 0
    assert body["fit"]["needed_bytes"] == sum(body["fit"]["training"].values()) + sum(body["fit"]["serving"].values())
    assert body["checkpoint_seconds"] > 0 and body["inventory"]["cores"] == 2.0
    assert held.memory_bytes == body["fit"]["needed_bytes"] and held.released_at is None
    assert (edge.parent_kind, edge.parent_id, edge.relation) == ("solution", run.solution_id, "planned_for")
    assert run.result["summary_zh"] and run.result["summary_en"]
    release(run)


def test_a_second_plan_of_the_same_solution_replaces_its_reservation(
    start: Start, organization: Any, owner: Any
) -> None:
    first = execute(start(organization, owner))
    with tenant_context(organization.id, owner.user_id):
        again = stage_run_start(stage=StageName.COMPUTE, solution_id=solution_of(first))
    execute(again)
    with tenant_context(organization.id):
        rows = Reservation.objects.filter(solution_id=solution_of(first))
        assert (rows.count(), rows.filter(released_at__isnull=True).count()) == (2, 1)
    release(first)


def test_what_another_organization_reserved_is_waited_for_and_its_release_lets_the_run_go_on(
    start: Start,
    machine: Callable[..., None],
    organization: Any,
    owner: Any,
    other_organization: Any,
    stranger: Any,
) -> None:
    size = needed(start, organization, owner)
    # Room for one pipeline and a half beside what other tests' organizations hold: reservations bind the machine.
    room = int(size * 1.7) + memory_reserved(except_solution=uuid.uuid4())
    machine(memory_bytes=room, memory_free_bytes=room)
    theirs = execute(start(other_organization, stranger))
    assert theirs.state == RunState.SUCCEEDED, theirs.error
    ours = execute(start(organization, owner))
    assert (ours.state, ours.wait_kind, ours.attempt) == (RunState.WAITING, "quota", 0)
    assert "释放" in ours.wait_reason_zh and "reserved" in ours.wait_reason_en
    assert str(theirs.solution_id) not in ours.wait_reason_en, "nothing of the other tenant shows"
    assert wake(ours).state == RunState.WAITING
    release(theirs)
    assert wake(ours).state == RunState.SUCCEEDED
    release(ours)


def test_a_reservation_that_lapsed_holds_nothing(start: Start, organization: Any, owner: Any) -> None:
    run = execute(start(organization, owner))
    nobody = uuid.uuid4()
    before = memory_reserved(except_solution=nobody)
    with tenant_context(organization.id):
        held = Reservation.objects.filter(solution_id=solution_of(run))
        held.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert memory_reserved(except_solution=nobody) < before


def test_a_reservation_made_while_we_planned_sends_us_back_to_wait(
    start: Start,
    machine: Callable[..., None],
    organization: Any,
    owner: Any,
    other_organization: Any,
    stranger: Any,
) -> None:
    ours = start(organization, owner)

    class Faster(ComputeStage):
        """Between its plan and its promise another organization reserves."""

        def _plan(self, solution: SolutionSpec, inventory: Inventory, reserved: int) -> Any:
            made = super()._plan(solution, inventory, reserved)
            with tenant_context(other_organization.id, stranger.user_id):
                row = CapacityPlan.objects.create(
                    organization_id=other_organization.id,
                    solution_id=uuid.uuid4(),
                    engine="embedded",
                    fits=True,
                    seconds=1,
                    cost=0,
                    currency="CNY",
                    body={},
                )
                reservation_create(plan=row, memory_bytes=GIB, cores=1)
            return made

    registry.stage_register(Faster(take_stock=lambda: Inventory(**MACHINE)))
    found = execute(ours)
    assert (found.state, found.wait_kind) == (RunState.WAITING, "quota")
    with tenant_context(organization.id):
        assert not Reservation.objects.filter(solution_id=solution_of(ours)).exists()
        assert not CapacityPlan.objects.filter(solution_id=solution_of(ours)).exists()
    with tenant_context(other_organization.id):
        Reservation.objects.update(released_at=timezone.now())


def test_a_machine_that_is_too_small_fails_at_once_and_says_what_would_fit(
    start: Start, machine: Callable[..., None], organization: Any, owner: Any
) -> None:
    machine(memory_bytes=GIB, memory_free_bytes=GIB)
    run = execute(start(organization, owner))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "does_not_fit")
    for language in ("zh", "en"):
        assert "memory+=" in run.error[language] and "GiB" in run.error[language]
    with tenant_context(organization.id):
        assert not Reservation.objects.filter(solution_id=solution_of(run)).exists()


def test_too_little_disk_fails_at_once(
    start: Start, machine: Callable[..., None], organization: Any, owner: Any
) -> None:
    machine(disk_free_bytes=DISK_NEEDED - 1)
    run = execute(start(organization, owner))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "disk_too_small")


def test_a_configured_ray_that_is_down_is_waited_for_and_never_replaced_in_silence(
    start: Start, machine: Callable[..., None], organization: Any, owner: Any
) -> None:
    machine(ray=RayCluster("http://ray:8265", reachable=False))
    run = execute(start(organization, owner))
    assert (run.state, run.wait_kind) == (RunState.WAITING, "engine")
    assert "http://ray:8265" in run.wait_reason_zh and "http://ray:8265" in run.wait_reason_en
    machine(ray=RayCluster("http://ray:8265", reachable=True, version="2.49.0", nodes=3))
    run = wake(run)
    assert (run.state, run.result["engine"]) == (RunState.SUCCEEDED, "ray")
    release(run)


def test_past_runs_take_the_place_of_the_first_estimates(start: Start, organization: Any, owner: Any) -> None:
    with tenant_context(organization.id, owner.user_id):
        assert past_seconds("training") == (None, 0)
        first = {estimate.stage: estimate for estimate in stage_estimates(2.0)}
        solution, _ = solution_create(name="past", industry="medical", scenario="guideline-qa")
        for seconds in (10, 20, 90):
            run = stage_run_start(stage=StageName.TRAINING, solution_id=solution.id)
            end = timezone.now()
            StageRun.objects.filter(id=run.id).update(
                state=RunState.SUCCEEDED, started_at=end - timedelta(seconds=seconds), finished_at=end
            )
    assert (first["training"].seconds, first["training"].runs) == (FIRST_SECONDS["training"], 0)
    planned = execute(start(organization, owner))
    with tenant_context(organization.id):
        body = CapacityPlan.objects.get(solution_id=solution_of(planned)).body
    training = next(stage for stage in body["stages"] if stage["stage"] == "training")
    assert (training["seconds"], training["runs"]) == (pytest.approx(20.0), 3)
    release(planned)


def test_the_past_of_another_organization_teaches_us_nothing(
    organization: Any, other_organization: Any, stranger: Any
) -> None:
    with tenant_context(other_organization.id, stranger.user_id):
        solution, _ = solution_create(name="past", industry="medical", scenario="guideline-qa")
        run = stage_run_start(stage=StageName.DATA, solution_id=solution.id)
        end = timezone.now()
        StageRun.objects.filter(id=run.id).update(
            state=RunState.SUCCEEDED, started_at=end - timedelta(seconds=9), finished_at=end
        )
    with tenant_context(organization.id):
        assert past_seconds("data") == (None, 0)


@pytest.mark.parametrize(("cores", "share"), [(1.0, 2.0), (2.0, 1.0), (8.0, 0.25), (64.0, 0.25)])
def test_first_estimates_scale_with_cores_up_to_what_parallel_work_gains(
    organization: Any, cores: float, share: float
) -> None:
    with tenant_context(organization.id):
        found = {estimate.stage: estimate.seconds for estimate in stage_estimates(cores)}
    assert found["training"] == FIRST_SECONDS["training"] * share


def test_what_is_shown_before_anything_starts_agrees_with_the_machine(
    machine: Callable[..., None], organization: Any
) -> None:
    spec = SolutionSpec(organization.id, uuid.uuid4(), "medical", "guideline-qa")
    machine(memory_bytes=GIB, memory_free_bytes=GIB)
    shown = registry.stage_get(StageName.COMPUTE).plan(spec)
    assert shown.fits is False and shown.advice and shown.memory_bytes > GIB
    assert shown.summary_zh and shown.summary_en
