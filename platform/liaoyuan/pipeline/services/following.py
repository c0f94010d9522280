"""What one run's end means for the rest of its pipeline."""

from collections.abc import Callable

from django.db.models.functions import Now

from liaoyuan.pipeline import ports, waits
from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.pipeline.events import doorbell_write, event_write
from liaoyuan.pipeline.models import FINAL_STATES, Pipeline, RunState, StageRun

# A first stage's spec names the imports under this key that must succeed before it.
AFTER = "after"


def pipeline_follow(run: StageRun, state: str, *, using: str = "default") -> None:
    """Release the next stage after a success, tell the later ones why they wait after anything else.

    Call in the transaction that changed ``run``. Under the system role (``using``) the reservation is left to the
    caller, since it belongs to the tenant.
    """
    if state not in FINAL_STATES:
        return
    if run.pipeline_id is None:
        _follow_import(run, state, using)
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
        return
    for first in _waiting_for(run, "default"):
        _explain_one(first, waits.dependency(run.stage), "default")


def run_dependency(run: StageRun) -> waits.Wait | None:
    """What has to succeed before ``run`` may be queued: the stage before it, or the imports that it names."""
    if run.pipeline_id is not None and run.position > 0:
        previous = StageRun.objects.filter(pipeline_id=run.pipeline_id, position=run.position - 1)
        done = previous.filter(state=RunState.SUCCEEDED).exists()
        return None if done else waits.dependency(PIPELINE_STAGES[run.position - 1])
    others = StageRun.objects.filter(id__in=run.spec.get(AFTER, ())).exclude(state=RunState.SUCCEEDED)
    worst = min(others, key=lambda other: other.state not in FINAL_STATES, default=None)
    if worst is None:
        return None
    ended = worst.state in FINAL_STATES
    return waits.dependency_ended(worst.stage, worst.state) if ended else waits.dependency(worst.stage)


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


def _follow_import(run: StageRun, state: str, using: str) -> None:
    """An import ended: the pipelines that were started over its documents begin, or say why they cannot."""
    for first in _waiting_for(run, using):
        if state != RunState.SUCCEEDED:
            _explain_one(first, waits.dependency_ended(run.stage, state), using)
        elif run_dependency(first) is None:
            run_release(first)


def _waiting_for(run: StageRun, using: str) -> list[StageRun]:
    waiting = StageRun.objects.using(using).filter(
        organization_id=run.organization_id, state=RunState.WAITING, position=0, wait_kind=waits.DEPENDENCY
    )
    return list(waiting.filter(**{f"spec__{AFTER}__contains": [str(run.id)]}))


def _explain(run: StageRun, reason_for: Callable[[StageRun], waits.Wait], using: str) -> None:
    """Give the stages behind ``run`` that still wait their reason."""
    later = StageRun.objects.using(using).filter(
        pipeline__runs=run.id, position__gt=run.position, state=RunState.WAITING
    )
    for other in later.order_by("position"):
        _explain_one(other, reason_for(other), using)


def _explain_one(run: StageRun, reason: waits.Wait, using: str) -> None:
    StageRun.objects.using(using).filter(id=run.id, state=RunState.WAITING).update(**reason.columns())
    event_write(
        run_id=run.id,
        organization_id=run.organization_id,
        kind=RunState.WAITING,
        using=using,
        data={"stage": run.stage, "wait_kind": reason.kind, "wait_zh": reason.zh, "wait_en": reason.en},
    )
