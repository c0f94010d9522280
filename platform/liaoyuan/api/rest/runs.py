"""Runs: list, look, follow, cancel, retry, approve, ask again; and the passes that they belong to."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Query, Router

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.feed import STREAM, feed_response
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import run_out, run_row
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one
from liaoyuan.api.rest.schemas.work import (
    ArtifactOut,
    Cancelled,
    EventOut,
    EventsQuery,
    Newer,
    PipelineOut,
    Reached,
    RunNote,
    RunOut,
    RunsQuery,
)
from liaoyuan.pipeline.models import Artifact, Pipeline, StageEvent, StageRun
from liaoyuan.pipeline.selectors import run_get
from liaoyuan.pipeline.services import (
    pipeline_cancel,
    stage_run_approve,
    stage_run_cancel,
    stage_run_resume,
    stage_run_retry,
)

router = Router(tags=["runs"])


@operation(router, "GET", "/runs", action="run.view", response=Page[RunOut])
def runs_list(request: ApiRequest, response: HttpResponse, query: Query[RunsQuery]) -> Page[RunOut]:
    """The organization's runs. Here the reason of a wait stands as it was written; one run's own page counts anew."""
    rows = narrowed(
        StageRun.objects.all(),
        stage=query.stage,
        state=query.state,
        wait_kind=query.wait,
        solution_id=query.solution_id,
        pipeline_id=query.pipeline_id,
    )
    language = request_language(request)
    return page(request, response, query, rows, lambda run: run_row(run, language), sort=query.sort)


@operation(router, "GET", "/runs/{run_id}", action="run.view", response=RunOut)
def run_show(request: ApiRequest, run_id: UUID) -> RunOut:
    """One run, with the reason of its wait and its result."""
    return run_out(run_get(run_id), request_language(request))


@operation(router, "GET", "/runs/{run_id}/events", action="run.view", tenant=False, extra=STREAM)
def run_events(request: ApiRequest, run_id: UUID, after: int = 0) -> StreamingHttpResponse:
    """Server-sent events of one run; resumes after ``Last-Event-ID``, else after ``after``. A run that has ended gets
    ``end`` with its state as the last one, and the stream closes."""
    return feed_response(request, request.auth, "run.view", run_id=run_id, after=after)


@operation(router, "GET", "/runs/{run_id}/history", action="run.view", response=Page[EventOut])
def run_history(request: ApiRequest, response: HttpResponse, run_id: UUID, query: Query[EventsQuery]) -> Page[EventOut]:
    """The same events as a list, for who does not want a stream: losses, steps, who approved."""
    rows = StageEvent.objects.filter(run_id=run_get(run_id).id)
    return page(request, response, query, rows, _event, sort=query.sort)


@operation(router, "GET", "/runs/{run_id}/artifacts", action="run.view", response=Page[ArtifactOut])
def run_artifacts(request: ApiRequest, response: HttpResponse, run_id: UUID, query: Query[Newer]) -> Page[ArtifactOut]:
    """What a run made; what it gave again from an earlier run stands in its result."""
    rows = Artifact.objects.filter(run_id=run_get(run_id).id)
    return page(request, response, query, rows, ArtifactOut.from_orm, sort=query.sort)


@operation(router, "POST", "/runs/{run_id}/cancel", action="run.cancel", response=Reached)
def run_cancel(request: ApiRequest, run_id: UUID) -> Reached:
    """Cancel: at once while it waits, else as soon as its stage sees it."""
    return _steer(stage_run_cancel, request, run_id)


@operation(router, "POST", "/runs/{run_id}/retry", action="run.retry", response=Reached)
def run_retry(request: ApiRequest, run_id: UUID) -> Reached:
    """Try a run again that failed, errored, died or was cancelled."""
    return _steer(stage_run_retry, request, run_id)


@operation(router, "POST", "/runs/{run_id}/resume", action="solution.run", response=Reached)
def run_resume(request: ApiRequest, run_id: UUID) -> Reached:
    """Let a run that waits for a quota or an engine ask again now."""
    return _steer(stage_run_resume, request, run_id)


@operation(router, "POST", "/runs/{run_id}/approve", action="deployment.approve", response=Reached)
def run_approve(request: ApiRequest, run_id: UUID, body: RunNote | None = None) -> Reached:
    """Approve what waits for approval, under the caller's name."""
    note = body.note if body else ""
    return Reached(state=stage_run_approve(principal=request.auth, run_id=run_id, note=note))


@operation(router, "GET", "/pipelines/{pipeline_id}", action="run.view", response=PipelineOut)
def pipeline_show(request: ApiRequest, pipeline_id: UUID) -> PipelineOut:
    """One pass of a solution through the six stages."""
    return PipelineOut.from_orm(one(Pipeline.objects.all(), id=pipeline_id))


@operation(router, "POST", "/pipelines/{pipeline_id}/cancel", action="run.cancel", response=Cancelled)
def pipeline_stop(request: ApiRequest, pipeline_id: UUID) -> Cancelled:
    """Cancel every run of a pass that has not ended."""
    return Cancelled(runs=pipeline_cancel(principal=request.auth, pipeline_id=pipeline_id))


def _steer(verb: Callable[..., str], request: ApiRequest, run_id: UUID) -> Reached:
    return Reached(state=verb(principal=request.auth, run_id=run_id))


def _event(event: StageEvent) -> EventOut:
    return EventOut(seq=event.seq, run_id=event.run_id, kind=event.kind, at=event.created_at, data=event.data)
