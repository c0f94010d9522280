"""Stage 6: proves that the deployed application is observed, and takes the first baseline."""

import json
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.selectors import industry_get
from liaoyuan.operations.models import Trace
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
    zh = "应用的回答没有留下完整的追踪（缺少 {missing}）。请检查追踪服务后重试。"
    en = "The application's answers leave no whole trace ({missing} missing). Check tracing and retry."


class OperationsStage:
    """Takes a Deployment; gives the first operations report, from real traces of real questions."""

    name: ClassVar[StageName] = StageName.OPERATIONS
    queue: ClassVar[str] = "light"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan(
            "开始运营：追踪、成本、延迟的首个基线", "Start operating: first baseline of traces, cost, latency", 5.0
        )

    def run(self, context: StageContext) -> Artifacts:
        """Ask the pack's demonstration questions through the deployed application and read back what was traced."""
        deployment = context.require("deployment")
        questions = industry_get(context.solution.industry).demo_questions(context.solution.scenario)
        for number, item in enumerate(questions):
            context.progress(
                number / len(questions), f"基线问题 {number + 1}/{len(questions)}", f"Question {number + 1}"
            )
            application().ask(
                organization_id=context.solution.organization_id, deployment_id=deployment.id, question=item.question
            )
        with tenant_context(context.solution.organization_id):
            report = self._report(context.solution.solution_id, deployment.id)
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
            summary_zh=f"{health['answers']} 个回答已追踪，p95 {health['p95_seconds']:.2f} 秒",
            summary_en=f"{health['answers']} answers traced, p95 {health['p95_seconds']:.2f} s",
        )

    def _report(self, solution_id: UUID, deployment_id: UUID) -> dict[str, Any]:
        last = Trace.objects.filter(deployment_id=deployment_id).order_by("-created_at").first()
        names = set(last.spans.values_list("name", flat=True)) if last else set()
        missing = sorted(NEEDED_SPANS - names) if last else ["trace"]
        if missing:
            raise NotObserved(missing=", ".join(missing))
        rollup_day(day=timezone.now().date())
        return {"health": solution_health(solution_id), "spans": span_seconds(solution_id)}
