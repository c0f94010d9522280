"""K13: whatever happens to a run in whatever order, it only ever moves along the table in StageRun's docstring."""

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import sampled_from

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.services import member_add, organization_create, user_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.contract import Artifacts, GiveWay, RunCancelled, StageFailed, WaitFor
from liaoyuan.pipeline.errors import FenceLost, RunStateRefused
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, Outbox, RunState, StageEvent, StageRun
from liaoyuan.pipeline.services import (
    pipeline_start,
    runs_reap,
    solution_create,
    stage_run_approve,
    stage_run_cancel,
    stage_run_resume,
    stage_run_retry,
    stage_run_start,
)
from liaoyuan.pipeline.services.executing import run_end_badly, run_end_well
from liaoyuan.pipeline.services.fencing import run_claim
from tests.stages import Busy


def legal_moves() -> set[tuple[str, str]]:
    """The table of the docstring; "likewise" extends the last line to the other three bad endings."""
    rows = re.findall(r"^ {4}(\w+) +(\w+) +\S", StageRun.__doc__ or "", re.MULTILINE)
    moves = {(old, new) for old, new in rows if old in RunState.values and new in RunState.values}
    retried = {new for old, new in moves if old == "failed"}
    return moves | {(old, new) for old in ("errored", "cancelled", "dead") for new in retried}


ENDINGS: dict[str, Exception | None] = {
    "well": None,
    "failed": StageFailed(detail="x"),
    "busy": Busy(),
    "bug": ZeroDivisionError(),
    "stopped": RunCancelled(),
    "approval": WaitFor(kind="approval", reason_zh="等待批准", reason_en="approval by an owner"),
    "turn": GiveWay(),
    "quota": WaitFor(kind="quota", reason_zh="配额", reason_en="quota"),
}


class Life(RuleBasedStateMachine):
    """The first two runs of one pipeline, a few workers of which some are late, people, and a reaper."""

    @initialize()
    def begin(self) -> None:
        self.moves = legal_moves()
        organization, _ = organization_create(name=f"life {id(self)} {StageRun().id}")
        self.organization_id = organization.id
        with tenant_context(organization.id):
            user, _ = user_create(email=f"{organization.id}@example.org")
            member_add(user=user, role=Role.OWNER)
            solution, _ = solution_create(name="s", industry="medical", scenario="q")
            pipeline = pipeline_start(solution_id=solution.id)
            self.ids: list[UUID] = list(pipeline.runs.order_by("position").values_list("id", flat=True)[:2])
        self.principal = Principal(user_id=user.id, organization_id=organization.id, role="owner")
        self.seen = {key: self.row(key) for key in self.ids}
        self.held: list[StageRun] = []

    def row(self, key: UUID) -> StageRun:
        with tenant_context(self.organization_id):
            return StageRun.objects.get(id=key)

    def write(self, key: UUID, **columns: Any) -> None:
        with tenant_context(self.organization_id):
            StageRun.objects.filter(id=key).update(**columns)

    @rule(which=sampled_from([0, 1]))
    def a_worker_hears_the_doorbell(self, which: int) -> None:
        self.write(self.ids[which], not_before=None)
        before = self.row(self.ids[which])
        run = run_claim(run_id=self.ids[which], worker="w")
        assert (run is not None) == (before.state == RunState.QUEUED)
        if run is not None:
            assert (run.fence, run.attempt) == (before.fence + 1, before.attempt + 1)
            self.held.append(run)

    @precondition(lambda self: self.held)
    @rule(late=sampled_from([0, -1]), ending=sampled_from(sorted(ENDINGS)))
    def a_worker_ends(self, late: int, ending: str) -> None:
        run = self.held.pop(late)
        now = self.row(run.id)
        mine = now.fence == run.fence and now.state in ACTIVE_STATES
        error = ENDINGS[ending]
        try:
            if error is None:
                run_end_well(run, Artifacts(), {})
            else:
                run_end_badly(run, error)
        except FenceLost:
            assert not mine
        else:
            assert mine

    @rule(which=sampled_from([0, 1]))
    def a_worker_is_lost(self, which: int) -> None:
        self.write(self.ids[which], lease_until="2000-01-01T00:00:00Z")
        if self.row(self.ids[which]).state not in ACTIVE_STATES:
            self.write(self.ids[which], lease_until=None)
        runs_reap()

    @rule()
    def the_reaper_asks_again(self) -> None:
        for key in self.ids:
            if self.row(key).wait_kind == "quota":
                self.write(key, not_before="2000-01-01T00:00:00Z")
        runs_reap()

    @rule(
        which=sampled_from([0, 1]),
        verb=sampled_from([stage_run_cancel, stage_run_retry, stage_run_approve, stage_run_resume]),
    )
    def somebody_steers(self, which: int, verb: Any) -> None:
        before = self.row(self.ids[which]).state
        try:
            with tenant_context(self.organization_id, self.principal.user_id):
                verb(principal=self.principal, run_id=self.ids[which])
        except RunStateRefused:
            assert self.row(self.ids[which]).state == before

    @invariant()
    def all_is_well(self) -> None:
        with tenant_context(self.organization_id):
            rows = [StageRun.objects.get(id=key) for key in self.ids]
            bells = set(Outbox.objects.values_list("run_id", flat=True))
            last = dict(StageEvent.objects.exclude(kind="log").order_by("seq").values_list("run_id", "kind"))
        for run in rows:
            self.only_legal_moves(self.seen[run.id], run)
            self.makes_sense(run, rings=run.id in bells, last=last[run.id])
            self.seen[run.id] = run
        first, second = rows
        assert not (second.attempt and second.state in ACTIVE_STATES) or first.state == RunState.SUCCEEDED

    def only_legal_moves(self, old: StageRun, new: StageRun) -> None:
        assert new.state == old.state or (old.state, new.state) in self.moves, (old.state, new.state)
        assert new.fence >= old.fence
        assert new.attempt <= new.max_attempts

    def makes_sense(self, run: StageRun, *, rings: bool, last: str) -> None:
        assert (run.finished_at is not None) == (run.state in FINAL_STATES)
        assert (run.lease_until is not None) == (run.state in ACTIVE_STATES)
        assert bool(run.wait_reason_zh and run.wait_reason_en) == (run.state in ("waiting", "queued"))
        assert rings or run.state != RunState.QUEUED
        assert last == run.state or (last, run.state) == ("started", "running")


def test_the_docstring_lists_the_moves() -> None:
    moves = legal_moves()
    assert len(moves) >= 16
    assert ("succeeded", "queued") not in moves and ("queued", "succeeded") not in moves


def test_a_stage_that_stops_although_nobody_cancelled_has_a_fault(organization: Any) -> None:
    with tenant_context(organization.id):
        run_id = stage_run_start(stage="compute", spec={}).id
    run = run_claim(run_id=run_id, worker="w")
    assert run is not None
    assert run_end_badly(run, RunCancelled()) == RunState.ERRORED
    with tenant_context(organization.id):
        assert StageRun.objects.get(id=run_id).error["reference"]


def live(lives: int) -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_k13_a_run_only_moves_along_its_table() -> None:
    live(3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_k13_for_long() -> None:
    live(60)
