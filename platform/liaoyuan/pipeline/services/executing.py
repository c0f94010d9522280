"""One attempt of one run: claim, context, stage, artifacts, end. Every ending is a guarded update."""

import errno
import logging
import secrets
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.contract import Artifacts, GiveWay, RunCancelled, SolutionSpec, StageContext, WaitFor
from liaoyuan.pipeline.errors import DatabaseAway, FenceLost, InternalFault, WorkFolderFull
from liaoyuan.pipeline.events import doorbell_write, event_write, from_now, plain
from liaoyuan.pipeline.files import Places, StoredFile
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.registry import stage_get
from liaoyuan.pipeline.selectors import run_inputs
from liaoyuan.pipeline.services.fencing import run_claim, run_update
from liaoyuan.pipeline.services.following import pipeline_follow
from liaoyuan.pipeline.services.lineage import artifact_register
from liaoyuan.pipeline.services.pulse import Pulse

logger = logging.getLogger(__name__)
# The wait before another attempt doubles from the first to at most the second (seconds).
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 60.0
NO_SOLUTION = UUID(int=0)


def stage_run_execute(*, run_id: UUID, worker: str = "") -> str | None:
    """Claim the run and carry it to its next state, which is returned; None when it is not there to be claimed.

    Opens its own short transactions: call it outside of ``tenant_context``. Raises only when the database is away; the
    reaper then returns the run.
    """
    run = run_claim(run_id=run_id, worker=worker)
    if run is None:
        return None
    places = Places(run.organization_id, run.id, run.fence)
    pulse = Pulse(run)
    pulse.start()
    try:
        state = _attempt(run, places, pulse)
    except FenceLost:
        logger.warning("run %s: attempt %s is fenced off, its output is removed", run.id, run.attempt)
        state = None
    finally:
        pulse.stop()
    if state == RunState.SUCCEEDED:
        places.finish()
    else:
        places.discard()
    return state


def _attempt(run: StageRun, places: Places, pulse: Pulse) -> str:
    try:
        artifacts = _stage_run(run, places, pulse)
        stored = places.store(artifacts.items)
    except FenceLost:
        raise
    except Exception as error:
        logger.info("run %s: %s stopped", run.id, run.stage, exc_info=True)
        pulse.stop()
        return run_end_badly(run, error)
    # From here on only the row's own lock keeps the run ours.
    pulse.stop()
    try:
        return run_end_well(run, artifacts, stored)
    except (FenceLost, OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.info("run %s: %s could not be registered", run.id, run.stage, exc_info=True)
        return run_end_badly(run, error)


def _stage_run(run: StageRun, places: Places, pulse: Pulse) -> Artifacts:
    stage = stage_get(run.stage)
    places.prepare()
    with tenant_context(run.organization_id, run.requested_by):
        inputs = run_inputs(run)
    context = StageContext(
        run_id=run.id,
        fence=run.fence,
        attempt=run.attempt,
        solution=_solution_spec(run),
        spec=run.spec,
        inputs=inputs,
        workdir=places.workdir,
        checkpoint_dir=places.checkpoint_dir,
        checkpoint=run.checkpoint,
        hooks=pulse,
    )
    return stage.run(context)


def _solution_spec(run: StageRun) -> SolutionSpec:
    solution = run.solution
    collection = run.spec.get("collection_id") or (solution.collection_id if solution else None)
    return SolutionSpec(
        organization_id=run.organization_id,
        solution_id=solution.id if solution else NO_SOLUTION,
        industry=solution.industry if solution else str(run.spec.get("industry", "")),
        scenario=solution.scenario if solution else str(run.spec.get("scenario", "")),
        collection_id=UUID(str(collection)) if collection else None,
        requested_by=run.requested_by,
        options=solution.options if solution else {},
    )


def run_end_well(run: StageRun, artifacts: Artifacts, stored: dict[UUID, StoredFile]) -> str:
    """Artifacts, lineage, state, event and the next stage's doorbell: one transaction, all or nothing."""
    made = [{"kind": item.kind, "id": str(item.id), "name": item.name} for item in artifacts.items]
    result = plain(artifacts.result) | {
        "artifacts": made,
        "reused": artifacts.reused,
        "summary_zh": artifacts.summary_zh,
        "summary_en": artifacts.summary_en,
    }
    message = {"message_zh": artifacts.summary_zh[:300], "message_en": artifacts.summary_en[:300]}
    with tenant_context(run.organization_id, run.requested_by):
        state = run_update(run, to=RunState.SUCCEEDED, progress=1.0, result=result, **message)
        if state == RunState.SUCCEEDED:
            for item in artifacts.items:
                artifact_register(item=item, run_id=run.id, stored=stored.get(item.id))
        _tell(run, state, {"result": result} if state == RunState.SUCCEEDED else {})
        pipeline_follow(run, state)
        return state


def run_end_badly(run: StageRun, error: Exception) -> str:
    """The state that ``error`` moves our run to: waiting, cancelled, queued again, failed or errored.

    Raises FenceLost.
    """
    with tenant_context(run.organization_id, run.requested_by):
        if isinstance(error, WaitFor):
            return _wait(run, error)
        if isinstance(error, GiveWay):
            return _give_way(run)
        if isinstance(error, RunCancelled):
            return _stopped(run, error)
        expected = _expected(error)
        if expected is None:
            return _finish(run, RunState.ERRORED, _fault(run, error))
        if expected.retryable and run.attempt < run.max_attempts:
            return _again(run, expected)
        return _finish(run, RunState.FAILED, _error(expected))


def _expected(error: Exception) -> LiaoyuanError | None:
    """The error as one that people may read; None when it is a bug."""
    if isinstance(error, LiaoyuanError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkFolderFull()
    if isinstance(error, OperationalError | InterfaceError):
        return DatabaseAway()
    return None


def _error(error: LiaoyuanError) -> dict[str, object]:
    return error.as_dict("zh") | {"zh": error.sentence("zh"), "en": error.sentence("en")}


def _fault(run: StageRun, error: Exception) -> dict[str, object]:
    reference = f"E-{secrets.token_hex(4)}"
    logger.error("run %s: %s failed, reference %s", run.id, run.stage, reference, exc_info=error)
    return _error(InternalFault(reference=reference)) | {"reference": reference}


def _stopped(run: StageRun, error: RunCancelled) -> str:
    """CANCELLED where somebody cancelled; a stage that stopped although nobody did has a fault."""
    asked = StageRun.objects.filter(id=run.id, fence=run.fence, state=RunState.CANCELLING).exists()
    return _finish(run, RunState.ERRORED, {} if asked else _fault(run, error))


def _finish(run: StageRun, to: str, error: dict[str, object]) -> str:
    state = run_update(run, to=to, error=error)
    _tell(run, state, {"error": error} if error and state == to else {})
    pipeline_follow(run, state)
    return state


def _wait(run: StageRun, wait: WaitFor) -> str:
    """Back to WAITING; the attempt is given back, the checkpoint kept."""
    reason = waits.Wait(wait.kind, wait.reason_zh, wait.reason_en)
    changes: dict[str, object] = {"attempt": run.attempt - 1, **reason.columns()}
    if wait.checkpoint is not None:
        changes["checkpoint"] = plain(wait.checkpoint)
    if wait.kind in waits.ASKED_AGAIN:
        changes["not_before"] = from_now(settings.REAPER_SECONDS)
    state = run_update(run, to=RunState.WAITING, **changes)
    _tell(run, state, {"wait_kind": reason.kind, "wait_zh": reason.zh, "wait_en": reason.en})
    return state


def _give_way(run: StageRun) -> str:
    """Back to the end of the line, so that others come first; the attempt is given back."""
    reason = waits.turn()
    state = run_update(run, to=RunState.QUEUED, attempt=run.attempt - 1, queued_at=Now(), **reason.columns())
    if state == RunState.QUEUED:
        doorbell_write(run=run)
    _tell(run, state, {"wait_kind": reason.kind, "wait_zh": reason.zh, "wait_en": reason.en})
    return state


def _again(run: StageRun, error: LiaoyuanError) -> str:
    """Back to QUEUED after a pause: a retry may help and attempts are left."""
    seconds = min(FIRST_RETRY_SECONDS * 2.0 ** (run.attempt - 1), LONGEST_RETRY_SECONDS)
    reason = waits.retry(run.attempt, seconds, error.sentence("zh"), error.sentence("en"))
    state = run_update(run, to=RunState.QUEUED, not_before=from_now(seconds), error=_error(error), **reason.columns())
    if state == RunState.QUEUED:
        doorbell_write(run=run)
    _tell(run, state, {"wait_kind": reason.kind, "wait_zh": reason.zh, "wait_en": reason.en})
    return state


def _tell(run: StageRun, state: str, data: dict[str, object]) -> None:
    event_write(run_id=run.id, organization_id=run.organization_id, kind=state, data={"stage": run.stage} | data)
