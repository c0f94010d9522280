"""Security: compliance reports with their controls, red team included, and the policy that was in force."""

from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import said
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one
from liaoyuan.api.rest.schemas.made import ControlOut, PolicyOut, ReportDetail, ReportOut, ReportsQuery
from liaoyuan.pipeline.selectors import solution_get
from liaoyuan.security.models import ComplianceReport, ControlResult
from liaoyuan.security.selectors import control_results

router = Router(tags=["security"])


@operation(router, "GET", "/compliance-reports", action="security.view", response=Page[ReportOut])
def reports_list(request: ApiRequest, response: HttpResponse, query: Query[ReportsQuery]) -> Page[ReportOut]:
    """Every report, those that failed as well."""
    rows = narrowed(
        ComplianceReport.objects.all(),
        solution_id=query.solution_id,
        deployment_id=query.deployment_id,
        passed=query.passed,
    )
    return page(request, response, query, rows, _report, sort=query.sort)


@operation(router, "GET", "/compliance-reports/{report_id}", action="security.view", response=ReportDetail)
def report_show(request: ApiRequest, report_id: UUID) -> ReportDetail:
    """One report with each control: what was measured, against what, and the evidence."""
    return _detail(request, one(ComplianceReport.objects.select_related("policy"), id=report_id))


@operation(
    router, "GET", "/solutions/{solution_id}/compliance", action="security.view", response=ReportDetail
)  # fmt: skip
def solution_compliance(request: ApiRequest, solution_id: UUID) -> ReportDetail:
    """The newest report of a solution. Not found before the first."""
    reports = ComplianceReport.objects.select_related("policy").order_by("-created_at")
    return _detail(request, one(reports, solution_id=solution_get(solution_id).id))


def _report(found: ComplianceReport) -> ReportOut:
    return ReportOut(
        id=found.id,
        solution_id=found.solution_id,
        deployment_id=found.deployment_id,
        run_id=found.run_id,
        attempt=found.attempt,
        passed=found.passed,
        controls=int(found.summary.get("controls", 0)),
        failed=list(found.summary.get("failed", [])),
        created_at=found.created_at,
    )


def _detail(request: ApiRequest, found: ComplianceReport) -> ReportDetail:
    language = request_language(request)
    return ReportDetail(
        **_report(found).model_dump(),
        policy=PolicyOut.from_orm(found.policy),
        results=[_control(result, language) for result in control_results(found.id)],
    )


def _control(found: ControlResult, language: str) -> ControlOut:
    return ControlOut(
        control=found.control,
        check=found.check_kind,
        title=said(found.title_zh, found.title_en, language),
        source=found.source,
        value=found.value,
        threshold=found.threshold,
        direction=found.direction,
        passed=found.passed,
        seconds=found.seconds,
        evidence=found.evidence,
    )
