"""For those who answer for it: industries, lineage, live figures, the audit chain."""

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.selectors import audit_verify
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.problem_codes import problem_codes
from liaoyuan.api.rest.rows import narrowed
from liaoyuan.api.rest.schemas.base import Titles
from liaoyuan.api.rest.schemas.oversight import (
    AuditQuery,
    AuditRow,
    ChainOut,
    DayOut,
    DaysQuery,
    Edge,
    GraphOut,
    HealthOut,
    IndustryOut,
    Node,
    ProblemOut,
    ScenarioOut,
    ScenarioRow,
)
from liaoyuan.errors import NotFound
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.selectors import industry_survey, scenario_get
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.operations.models import DailyRollup
from liaoyuan.operations.selectors import solution_health
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.selectors import Graph, lineage_down, lineage_up, solution_get

router = Router(tags=["oversight"])
NodeKind = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$", examples=["bundle"])]
PackName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,80}$", examples=["medical"])]
VERSION = "document_version"


@operation(router, "GET", "/industries", action="solution.view", tenant=False, response=list[IndustryOut])
def industries(request: ApiRequest) -> list[IndustryOut]:
    """The installed packs with their scenarios, and what is wrong with those that were refused."""
    packs, refused = industry_survey()
    return [_industry(pack) for pack in packs] + [
        IndustryOut(name=name, title=None, version="", signed_by="", scenarios=[], error=error.code)
        for name, error in refused.items()
    ]


@operation(
    router,
    "GET",
    "/industries/{industry}/scenarios/{scenario}",
    action="solution.view",
    tenant=False,
    response=ScenarioOut,
)
def scenario_show(request: ApiRequest, industry: Path[PackName], scenario: Path[PackName]) -> ScenarioOut:
    """One application that an industry offers: what it takes, what it must pass, what it needs."""
    spec = scenario_get(industry, scenario)
    plain = spec.model_dump(mode="json")
    names = ("description", "users", "languages", "documents", "gates", "kpis", "needs", "answerer")
    return ScenarioOut(industry=industry, name=scenario, title=plain["title"], **{name: plain[name] for name in names})


@operation(router, "GET", "/lineage/{kind}/{object_id}", action="lineage.view", response=GraphOut)
def lineage(
    request: ApiRequest, kind: Path[NodeKind], object_id: UUID, direction: Literal["up", "down"] = "up"
) -> GraphOut:
    """What an object rests on (up), or what rests on it (down). Names of documents one may not read are left out."""
    graph = (lineage_up if direction == "up" else lineage_down)(kind, object_id)
    if not graph.edges and not Artifact.objects.filter(kind=kind, id=object_id).exists():
        raise NotFound
    hidden = _hidden(graph)
    return GraphOut(
        direction=direction,
        nodes=[Node(kind=n.kind, id=n.id, name="" if n.id in hidden else n.name) for n in graph.nodes],
        edges=[Edge(parent=e.parent.id, child=e.child.id, relation=e.relation) for e in graph.edges],
    )


@operation(router, "GET", "/audit", action="audit.view", response=Page[AuditRow])
def audit_list(request: ApiRequest, response: HttpResponse, query: Query[AuditQuery]) -> Page[AuditRow]:
    """The links of the organization's chain: who did what to which object."""
    rows = narrowed(
        AuditEvent.objects.all(),
        action=query.action,
        object_kind=query.object_kind,
        object_id=query.object_id,
        actor=query.actor,
        at__gte=query.since,
        at__lt=query.until,
    )
    return page(request, response, query, rows, AuditRow.from_orm, sort=query.sort)


@operation(router, "GET", "/audit/verify", action="audit.view", response=ChainOut)
def audit(request: ApiRequest) -> ChainOut:
    """Walk the organization's hash chain from its first link."""
    report = audit_verify()
    return ChainOut(ok=report.ok, checked=report.checked, first_bad=report.first_bad, head=report.head)


@operation(router, "GET", "/solutions/{solution_id}/health", action="operations.view", response=HealthOut)
def solution_operations(
    request: ApiRequest, solution_id: UUID, days: Annotated[int, Field(ge=1, le=90)] = 1
) -> HealthOut:
    """Answers, rates, tokens, cost, latency, feedback and drift of the last ``days`` days."""
    return HealthOut.model_validate(solution_health(solution_get(solution_id).id, days=days))


@operation(router, "GET", "/usage/days", action="operations.view", response=Page[DayOut])
def days_list(request: ApiRequest, response: HttpResponse, query: Query[DaysQuery]) -> Page[DayOut]:
    """The sums of each UTC day and solution: answers, tokens, cost, latency, verdicts."""
    rows = narrowed(
        DailyRollup.objects.all(), solution_id=query.solution_id, day__gte=query.since, day__lte=query.until
    )
    return page(request, response, query, rows, DayOut.from_orm, sort=query.sort)


@router.get(
    "/problems",
    auth=None,
    response=list[ProblemOut],
    operation_id="problems",
    openapi_extra={"x-action": "", "x-rate-limit": "read"},
)
def problems(request: ApiRequest) -> list[ProblemOut]:
    """Every code that an error may carry, with its sentences. Open to anybody: it says nothing of anybody."""
    return problem_codes()


def _industry(pack: IndustryPack) -> IndustryOut:
    return IndustryOut(
        name=pack.name,
        title=Titles(**pack.spec.title.model_dump()),
        version=pack.spec.version,
        signed_by=pack.signed_by,
        scenarios=[
            ScenarioRow(name=name, title=Titles(**found.title.model_dump())) for name, found in pack.scenarios.items()
        ],
        error=None,
    )


def _hidden(graph: Graph) -> set[UUID]:
    if current_tenant().groups is None:
        return set()
    versions = {node.id for node in graph.nodes if node.kind == VERSION}
    return versions - set(versions_readable().filter(id__in=versions).values_list("id", flat=True))
