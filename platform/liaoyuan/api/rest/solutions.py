"""Solutions, their passes through the six stages, and what a pass would take."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Status

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.feed import STREAM, feed_response
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.planning import plan_out
from liaoyuan.api.rest.present import board_out, path_of, run_out, solution_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import match, narrowed, one, tagged
from liaoyuan.api.rest.schemas.base import Body
from liaoyuan.api.rest.schemas.work import (
    BoardOut,
    CapacityPlanOut,
    Newer,
    PipelineOut,
    PlanOut,
    SolutionChange,
    SolutionDraft,
    SolutionNew,
    SolutionOut,
    SolutionsQuery,
    Started,
)
from liaoyuan.compute.models import CapacityPlan
from liaoyuan.deployment.models import Route
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.knowledge.models import Collection
from liaoyuan.pipeline.models import Pipeline, Solution, StageRun
from liaoyuan.pipeline.selectors import board, solution_get
from liaoyuan.pipeline.services import (
    pipeline_start,
    solution_archive,
    solution_create,
    solution_rename,
    solution_restore,
)

router = Router(tags=["solutions"])


@operation(router, "GET", "/solutions", action="solution.view", response=Page[SolutionOut])
def solutions_list(request: ApiRequest, response: HttpResponse, query: Query[SolutionsQuery]) -> Page[SolutionOut]:
    """The organization's solutions."""
    rows = Solution.objects.filter(archived_at__isnull=not query.archived)
    rows = narrowed(rows, industry=query.industry, scenario=query.scenario, name__icontains=query.q)
    return page(request, response, query, rows, solution_out, sort=query.sort)


@operation(
    router, "POST", "/solutions", action="solution.create", response={200: SolutionOut, 201: SolutionOut}
)  # fmt: skip
def solution_new(request: ApiRequest, body: SolutionNew, response: HttpResponse) -> "Status[SolutionOut]":
    """Make a solution of an industry's scenario; the same name and scenario again give the same solution (200)."""
    _check(body)
    solution, created = solution_create(
        name=body.name, industry=body.industry, scenario=body.scenario, collection_id=body.collection_id
    )
    response["Location"] = path_of("solutions", solution.id)
    return Status(201 if created else 200, solution_out(solution))


@operation(router, "POST", "/solutions/plan", action="solution.view", tenant=False, response=PlanOut)
def solution_plan(request: ApiRequest, body: SolutionDraft) -> PlanOut:
    """What a pass would take, before anything is made: stages, seconds, cost, memory, and the documents it asks for."""
    who = request.auth
    return plan_out(who, uuid4(), body.industry, body.scenario, body.collection_id, {})


@operation(router, "GET", "/solutions/{solution_id}", action="solution.view", response=BoardOut)
def solution_board(request: ApiRequest, solution_id: UUID) -> BoardOut:
    """The board: the newest pass, stage by stage, with progress, ETA and the reason of every wait."""
    found = board(solution_id)
    route = Route.objects.filter(solution_id=solution_id).values_list("name", flat=True).first()
    return board_out(found, route, request_language(request))


@operation(router, "PATCH", "/solutions/{solution_id}", action="solution.create", response=SolutionOut)
def solution_change(
    request: ApiRequest, solution_id: UUID, body: SolutionChange, response: HttpResponse
) -> SolutionOut:
    """Rename a solution, archive it or bring it back; what is left out stays. Archiving loses nothing."""
    match(request, solution_out(one(Solution.objects.select_for_update(), id=solution_id)))
    if body.name is not None:
        solution_rename(principal=request.auth, solution_id=solution_id, name=body.name)
    if body.archived is not None:
        verb = solution_archive if body.archived else solution_restore
        verb(principal=request.auth, solution_id=solution_id)
    shown = solution_out(solution_get(solution_id))
    tagged(response, shown)
    return shown


@operation(
    router, "GET", "/solutions/{solution_id}/plan", action="solution.view", tenant=False, response=PlanOut
)  # fmt: skip
def solution_estimate(request: ApiRequest, solution_id: UUID) -> PlanOut:
    """What the next pass of this solution would take now."""
    who = request.auth
    with tenant_context(who.organization_id, who.user_id):
        found = solution_get(solution_id)
    options: dict[str, Any] = found.options
    return plan_out(who, found.id, found.industry, found.scenario, found.collection_id, options)


@operation(
    router,
    "GET",
    "/solutions/{solution_id}/capacity-plans",
    action="solution.view",
    response=Page[CapacityPlanOut],
)
def solution_capacity(
    request: ApiRequest, response: HttpResponse, solution_id: UUID, query: Query[Newer]
) -> Page[CapacityPlanOut]:
    """The capacity plans that this solution's passes were given."""
    rows = CapacityPlan.objects.filter(solution_id=solution_get(solution_id).id)
    return page(request, response, query, rows, CapacityPlanOut.from_orm, sort=query.sort)


@operation(
    router, "GET", "/solutions/{solution_id}/pipelines", action="run.view", response=Page[PipelineOut]
)  # fmt: skip
def solution_pipelines(
    request: ApiRequest, response: HttpResponse, solution_id: UUID, query: Query[Newer]
) -> Page[PipelineOut]:
    """Every pass of a solution; GET /runs?pipeline_id= lists the runs of one."""
    rows = Pipeline.objects.filter(solution_id=solution_get(solution_id).id)
    return page(request, response, query, rows, PipelineOut.from_orm, sort=query.sort)


@operation(router, "POST", "/solutions/{solution_id}/runs", action="solution.run", response={202: Started})
def solution_run(
    request: ApiRequest, solution_id: UUID, response: HttpResponse, body: Body | None = None
) -> "Status[Started]":
    """Start a pass through the six stages. Written to the ledger and answered at once; workers take it from there."""
    pipeline = pipeline_start(solution_id=solution_get(solution_id).id)
    language = request_language(request)
    runs = [run_out(run, language) for run in StageRun.objects.filter(pipeline=pipeline).order_by("position")]
    response["Location"] = path_of("runs", runs[0].id)
    return Status(202, Started(pipeline_id=pipeline.id, runs=runs))


@operation(
    router, "GET", "/solutions/{solution_id}/events", action="run.view", tenant=False, extra=STREAM
)  # fmt: skip
def solution_events(request: ApiRequest, solution_id: UUID, after: int = 0) -> StreamingHttpResponse:
    """Server-sent events of all runs of a solution; resumes after ``Last-Event-ID``, else after ``after``."""
    return feed_response(request, request.auth, "run.view", solution_id=solution_id, after=after)


def _check(body: SolutionNew) -> None:
    scenario_get(body.industry, body.scenario)
    if body.collection_id:
        one(Collection.objects.all(), id=body.collection_id)
