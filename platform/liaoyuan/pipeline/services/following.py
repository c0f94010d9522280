"""What one run's end means for the rest of its pipeline."""

from collections.abc import Callable

from django.db.models.functions import Now

from liaoyuan.pipeline import ports, waits
from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.pipeline.events import doorbell_write, event_write
from liaoyuan.pipeline.models import FINAL_STATES, Pipeline, RunState, StageRun


def pipeline_follow(run: StageRun, state: str, *, using: str = "default") -> None:
    """Release the next stage after a success, tell the later ones why they wait after anything else.

    Call in the transaction that changed ``run``. Under the system role (``using``) the reservation is left to the
    caller, since it belongs to the tenant.
    """
    if run.pipeline_id is None or state not in FINAL_STATES:
        return
    if state == RunState.SUCCEEDED:
        ended = not _release_next(run)
    else:
        reason = waits.dependency_ended(run.stage, state)
        _explain(run, lambda _: reason, using)
        ended = True
    if ended and using == "default":
        pipeline_end(run, done=state == RunState.SUCCEEDED)


def pipeline_end(run: StageRun, *, done: bool) -> None:
    """Nothing of this pipeline runs any more: what compute reserved for it goes back. Call as the tenant."""
    if done:
        Pipeline.objects.filter(runs=run.id).update(finished_at=Now())
    if run.solution_id is not None:
        ports.reservations().release(solution_id=run.solution_id)


def waits_restore(run: StageRun) -> None:
    """The run is tried again: the stages after it wait in the ordinary way, each for the one before it."""
    if run.pipeline_id is not None:
        _explain(run, lambda other: waits.dependency(PIPELINE_STAGES[other.position - 1]), "default")


def run_release(run: StageRun) -> bool:
    """Queue a waiting run and ring for it; False when it does not wait any more. Call as the tenant."""
    wait = waits.queue()
    waiting = StageRun.objects.filter(id=run.id, state=RunState.WAITING)
    if not waiting.update(state=RunState.QUEUED, queued_at=Now(), not_before=None, **wait.columns()):
        return False
    doorbell_write(run=run)
    event_write(
        run_id=run.id,
        organization_id=run.organization_id,
        kind=RunState.QUEUED,
        data={"stage": run.stage, "wait_zh": wait.zh, "wait_en": wait.en},
    )
    return True


def _release_next(run: StageRun) -> bool:
    """Whether there is a stage after this one that does or will do something."""
    following = StageRun.objects.filter(pipeline__runs=run.id, position=run.position + 1).first()
    if following is None:
        return False
    if following.wait_kind == waits.DEPENDENCY:
        run_release(following)
    return True


def _explain(run: StageRun, reason_for: Callable[[StageRun], waits.Wait], using: str) -> None:
    """Give the stages behind ``run`` that still wait their reason."""
    later = StageRun.objects.using(using).filter(
        pipeline__runs=run.id, position__gt=run.position, state=RunState.WAITING
    )
    for other in later.order_by("position"):
        reason = reason_for(other)
        StageRun.objects.using(using).filter(id=other.id, state=RunState.WAITING).update(**reason.columns())
        event_write(
            run_id=other.id,
            organization_id=other.organization_id,
            kind=RunState.WAITING,
            using=using,
            data={"stage": other.stage, "wait_kind": reason.kind, "wait_zh": reason.zh, "wait_en": reason.en},
        )
