"""Solutions and their passes through the six stages."""

from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from ninja import Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.feed import feed_response
from liaoyuan.api.rest.idempotency import idempotency_key
from liaoyuan.api.rest.present import board_out, path_of, run_out, solution_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.schemas import BoardOut, Body, SolutionNew, SolutionOut, Started
from liaoyuan.deployment.models import Bundle, GateReport, Route
from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.knowledge.models import Collection
from liaoyuan.operations.selectors import solution_health
from liaoyuan.pipeline.models import Solution, StageRun
from liaoyuan.pipeline.selectors import board, solution_get
from liaoyuan.pipeline.services import pipeline_start, solution_create

router = Router(tags=["solutions"])


@operation(router, "GET", "/solutions", action="solution.view", response=list[SolutionOut])
def solutions_list(request: ApiRequest) -> list[SolutionOut]:
    """The organization's solutions, newest first."""
    return [solution_out(solution) for solution in Solution.objects.order_by("-created_at")[:500]]


@operation(router, "POST", "/solutions", action="solution.create", response={200: SolutionOut, 201: SolutionOut})
def solution_new(request: ApiRequest, body: SolutionNew, response: HttpResponse) -> "Status[SolutionOut]":
    """Make a solution of an industry's scenario; the same name and scenario again give the same solution (200)."""
    scenario_get(body.industry, body.scenario)
    if body.collection_id and not Collection.objects.filter(id=body.collection_id).exists():
        raise NotFound
    solution, created = solution_create(
        name=body.name, industry=body.industry, scenario=body.scenario, collection_id=body.collection_id
    )
    response["Location"] = path_of("solutions", solution.id)
    return Status(201 if created else 200, solution_out(solution))


@operation(router, "GET", "/solutions/{solution_id}", action="solution.view", response=BoardOut)
def solution_board(request: ApiRequest, solution_id: UUID) -> BoardOut:
    """The board: the newest pass, stage by stage, with progress, ETA and the reason of every wait."""
    found = board(solution_id)
    route = Route.objects.filter(solution_id=solution_id).values_list("name", flat=True).first()
    return board_out(found, route, request_language(request))


@operation(router, "POST", "/solutions/{solution_id}/runs", action="solution.run", response={202: Started})
def solution_run(
    request: ApiRequest, solution_id: UUID, response: HttpResponse, body: Body | None = None
) -> "Status[Started]":
    """Start a pass through the six stages. Written to the ledger and answered at once; workers take it from there.

    The same ``Idempotency-Key`` again gives the same pass.
    """
    solution = solution_get(solution_id)
    key = idempotency_key(request, "solutions.runs", solution.id)
    pipeline = pipeline_start(solution_id=solution.id, idempotency_key=key)
    language = request_language(request)
    runs = [run_out(run, language) for run in StageRun.objects.filter(pipeline=pipeline).order_by("position")]
    response["Location"] = path_of("runs", runs[0].id)
    return Status(202, Started(pipeline_id=pipeline.id, runs=runs))


@operation(router, "GET", "/solutions/{solution_id}/events", action="run.view", tenant=False)
def solution_events(request: ApiRequest, solution_id: UUID, after: int = 0) -> StreamingHttpResponse:
    """Server-sent events of all runs of a solution; resumes after ``Last-Event-ID``, else after ``after``."""
    return feed_response(request, request.auth, "run.view", solution_id=solution_id, after=after)


@operation(router, "GET", "/solutions/{solution_id}/health", action="operations.view")
def solution_operations(request: ApiRequest, solution_id: UUID, days: int = 1) -> dict[str, object]:
    """Answers, rates, tokens, cost, latency, feedback and drift of the last ``days`` days."""
    return solution_health(solution_get(solution_id).id, days=max(1, min(days, 90)))


@operation(router, "GET", "/solutions/{solution_id}/gates", action="deployment.view")
def solution_gates(request: ApiRequest, solution_id: UUID) -> dict[str, object]:
    """The newest gate report: every gate with its value and threshold. Raises NotFound before the first."""
    bundles = Bundle.objects.filter(solution_id=solution_get(solution_id).id).values("id")
    report = GateReport.objects.filter(bundle_id__in=bundles).order_by("-created_at").first()
    if report is None:
        raise NotFound
    return {
        "id": report.id,
        "bundle_id": report.bundle_id,
        "passed": report.passed,
        "source": report.source,
        "questions": report.questions,
        "gates": report.gates,
        "metrics": report.metrics,
        "created_at": report.created_at,
    }
