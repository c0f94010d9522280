"""Stage 6: proves that the deployed application is observed, and takes the first baseline."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.selectors import industry_get
from liaoyuan.operations.models import Trace, TraceSpan
from liaoyuan.operations.selectors import solution_health, span_seconds
from liaoyuan.operations.services import rollup_day
from liaoyuan.pipeline.contract import (
    Artifacts,
    NewArtifact,
    Parent,
    SolutionSpec,
    StageContext,
    StageFailed,
    StageName,
    StagePlan,
)
from liaoyuan.pipeline.ports import application

NEEDED_SPANS = {"guard", "retrieve"}


class NotObserved(StageFailed):
    code = "not_observed"
    zh = "应用的回答没有留下完整的问答记录（缺少 {missing}）。请检查记录服务后重试。"
    en = "The application's answers leave no whole trace ({missing} missing). Check tracing and retry."


class OperationsStage:
    """Takes a Deployment; gives the first operations report, from real traces of real questions."""

    name: ClassVar[StageName] = StageName.OPERATIONS
    queue: ClassVar[str] = "light"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan(
            "开始运营：问答记录、成本、延迟的首个基线", "Start operating: first baseline of traces, cost, latency", 5.0
        )

    def run(self, context: StageContext) -> Artifacts:
        """Ask the pack's demonstration questions through the deployed application and read back what was traced."""
        deployment = context.require("deployment")
        questions = industry_get(context.solution.industry).demo_questions(context.solution.scenario)
        began = timezone.now()
        for number, item in enumerate(questions):
            context.progress(
                number / len(questions),
                f"基线问题 {number + 1}/{len(questions)}",
                f"Baseline question {number + 1}/{len(questions)}",
            )
            application().ask(
                organization_id=context.solution.organization_id, deployment_id=deployment.id, question=item.question
            )
        with tenant_context(context.solution.organization_id):
            _observed(deployment.id, since=began, asked=len(questions))
            report = _report(context.solution.solution_id)
        path = context.workdir / "operations-report.json"
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
        health = report["health"]
        return Artifacts(
            items=(
                NewArtifact(
                    "operations_report",
                    "operations baseline",
                    (Parent("deployment", deployment.id, "observes"),),
                    path=path,
                    meta={"answers": health["answers"], "p95_seconds": health["p95_seconds"]},
                ),
            ),
            result=report,
            summary_zh=f"{health['answers']} 个回答已记录，p95 {health['p95_seconds']:.2f} 秒",
            summary_en=f"{health['answers']} answers traced, p95 {health['p95_seconds']:.2f} s",
        )


def _observed(deployment_id: UUID, *, since: datetime, asked: int) -> None:
    """Every question of this run has left a trace, and together they show the needed spans. Raises NotObserved."""
    traces = Trace.objects.filter(deployment_id=deployment_id, created_at__gte=since)
    names = set(TraceSpan.objects.filter(trace__in=traces).values_list("name", flat=True))
    missing = ["trace"] if traces.count() < max(1, asked) else sorted(NEEDED_SPANS - names)
    if missing:
        raise NotObserved(missing=", ".join(missing))


def _report(solution_id: UUID) -> dict[str, Any]:
    rollup_day(day=timezone.now().astimezone(UTC).date())
    return {"health": solution_health(solution_id), "spans": span_seconds(solution_id)}
