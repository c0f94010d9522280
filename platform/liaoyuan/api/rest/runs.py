"""Single runs: look, follow, cancel, retry, approve, ask again."""

from collections.abc import Callable
from uuid import UUID

from django.http import StreamingHttpResponse
from ninja import Router

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.feed import feed_response
from liaoyuan.api.rest.present import run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.schemas import RunNote, RunOut, State
from liaoyuan.pipeline.selectors import run_get
from liaoyuan.pipeline.services import stage_run_approve, stage_run_cancel, stage_run_resume, stage_run_retry

router = Router(tags=["runs"])


@operation(router, "GET", "/runs/{run_id}", action="run.view", response=RunOut)
def run_show(request: ApiRequest, run_id: UUID) -> RunOut:
    """One run, with the reason of its wait and its result."""
    return run_out(run_get(run_id), request_language(request))


@operation(router, "GET", "/runs/{run_id}/events", action="run.view", tenant=False)
def run_events(request: ApiRequest, run_id: UUID, after: int = 0) -> StreamingHttpResponse:
    """Server-sent events of one run; resumes after ``Last-Event-ID``, else after ``after``."""
    return feed_response(request, request.auth, "run.view", run_id=run_id, after=after)


@operation(router, "POST", "/runs/{run_id}/cancel", action="run.cancel", response=State)
def run_cancel(request: ApiRequest, run_id: UUID) -> State:
    """Cancel: at once while it waits, else as soon as its stage sees it."""
    return _steer(stage_run_cancel, request, run_id)


@operation(router, "POST", "/runs/{run_id}/retry", action="run.retry", response=State)
def run_retry(request: ApiRequest, run_id: UUID) -> State:
    """Try a run again that failed, errored, died or was cancelled."""
    return _steer(stage_run_retry, request, run_id)


@operation(router, "POST", "/runs/{run_id}/resume", action="solution.run", response=State)
def run_resume(request: ApiRequest, run_id: UUID) -> State:
    """Let a run that waits for a quota or an engine ask again now."""
    return _steer(stage_run_resume, request, run_id)


@operation(router, "POST", "/runs/{run_id}/approve", action="deployment.approve", response=State)
def run_approve(request: ApiRequest, run_id: UUID, body: RunNote | None = None) -> State:
    """Approve what waits for approval, under the caller's name."""
    note = body.note if body else ""
    return State(state=stage_run_approve(principal=request.auth, run_id=run_id, note=note))


def _steer(verb: Callable[..., str], request: ApiRequest, run_id: UUID) -> State:
    return State(state=verb(principal=request.auth, run_id=run_id))
