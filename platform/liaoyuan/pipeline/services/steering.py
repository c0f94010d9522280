"""What people do to runs: cancel, retry, approve, resume.

Each asks the policy table first and lands in the audit chain.
"""

from typing import Any
from uuid import UUID

from django.db.models.functions import Now
from django.utils import timezone

from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.services import audit_record
from liaoyuan.errors import NotFound
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.errors import RunStateRefused
from liaoyuan.pipeline.events import doorbell_write, event_write
from liaoyuan.pipeline.models import FINAL_STATES, Outbox, Pipeline, RunState, StageRun
from liaoyuan.pipeline.services.following import pipeline_follow, run_dependency, run_release, waits_restore


def stage_run_cancel(*, principal: Principal, run_id: UUID) -> str:
    """Cancel a run: at once while it waits, else CANCELLING until its stage sees it. Returns the state reached.

    Raises NotFound, PermissionDenied, RunStateRefused when it has ended already.
    """
    require(principal, "run.cancel")
    run = _locked(run_id)
    if run.state in FINAL_STATES:
        raise RunStateRefused(state=run.state, verb="cancel")
    state = _cancel(run)
    _record(principal, run, "run.cancel", state)
    return state


def pipeline_cancel(*, principal: Principal, pipeline_id: UUID) -> int:
    """Cancel every run of a pipeline that has not ended; how many there were. Raises NotFound, PermissionDenied."""
    require(principal, "run.cancel")
    if not Pipeline.objects.filter(id=pipeline_id).exists():
        raise NotFound
    open_runs = StageRun.objects.select_for_update().filter(pipeline_id=pipeline_id).exclude(state__in=FINAL_STATES)
    # Locked in the order in which workers lock them, or the two could wait for each other.
    runs = list(open_runs.order_by("position"))
    for run in reversed(runs):
        _record(principal, run, "run.cancel", _cancel(run))
    return len(runs)


def stage_run_retry(*, principal: Principal, run_id: UUID) -> str:
    """Try a run again that failed, errored, died or was cancelled; its attempts start anew, its checkpoint stays.

    Returns QUEUED, or WAITING while the stage before it has not succeeded. Raises NotFound, PermissionDenied,
    RunStateRefused.
    """
    require(principal, "run.retry")
    run = _locked(run_id)
    if run.state not in FINAL_STATES or run.state == RunState.SUCCEEDED:
        raise RunStateRefused(state=run.state, verb="retry")
    wait = run_dependency(run)
    ready = wait is None
    run.state = RunState.QUEUED if ready else RunState.WAITING
    StageRun.objects.filter(id=run.id).update(
        state=run.state,
        attempt=0,
        error={},
        progress=0,
        queued_at=Now() if ready else None,
        not_before=None,
        finished_at=None,
        **(wait or waits.queue()).columns(),
    )
    if ready:
        doorbell_write(run=run)
    _record(principal, run, "run.retry", run.state)
    waits_restore(run)
    return run.state


def stage_run_approve(*, principal: Principal, run_id: UUID, note: str = "") -> str:
    """Release a run that waits for approval.

    Who approved stands in its checkpoint under ``approval``, and in the audit. Raises NotFound,
    PermissionDenied, RunStateRefused.
    """
    require(principal, "deployment.approve")
    run = _locked(run_id)
    if run.state != RunState.WAITING or run.wait_kind != waits.APPROVAL:
        raise RunStateRefused(state=run.state, verb="approve")
    approval = {"by": str(principal.user_id), "role": principal.role, "at": timezone.now().isoformat(), "note": note}
    StageRun.objects.filter(id=run.id).update(checkpoint=run.checkpoint | {"approval": approval})
    run_release(run)
    _record(principal, run, "run.approve", RunState.QUEUED, approval)
    return RunState.QUEUED


def stage_run_resume(*, principal: Principal, run_id: UUID) -> str:
    """Let a run that waits for a quota or an engine ask again now.

    Raises NotFound, PermissionDenied, RunStateRefused.
    """
    require(principal, "solution.run")
    run = _locked(run_id)
    if run.state != RunState.WAITING or run.wait_kind not in waits.ASKED_AGAIN:
        raise RunStateRefused(state=run.state, verb="resume")
    run_release(run)
    _record(principal, run, "run.resume", RunState.QUEUED)
    return RunState.QUEUED


def _locked(run_id: UUID) -> StageRun:
    run = StageRun.objects.select_for_update().filter(id=run_id).first()
    if run is None:
        raise NotFound
    return run


def _cancel(run: StageRun) -> str:
    """``run`` is locked, so what its row says holds until we commit."""
    if run.state in (RunState.RUNNING, RunState.CANCELLING):
        StageRun.objects.filter(id=run.id).update(state=RunState.CANCELLING)
        return RunState.CANCELLING
    ended: dict[str, Any] = {"finished_at": Now(), "not_before": None, **waits.NOTHING.columns()}
    StageRun.objects.filter(id=run.id).update(state=RunState.CANCELLED, **ended)
    Outbox.objects.filter(run_id=run.id).delete()
    pipeline_follow(run, RunState.CANCELLED)
    return RunState.CANCELLED


def _record(principal: Principal, run: StageRun, action: str, state: str, detail: dict[str, Any] | None = None) -> None:
    data = {"stage": run.stage, "action": action, "by": str(principal.user_id), **(detail or {})}
    event_write(run_id=run.id, organization_id=run.organization_id, kind=state, data=data)
    audit_record(
        action=action, object_kind="stage_run", object_id=run.id, detail={"stage": run.stage, "state": state} | data
    )
