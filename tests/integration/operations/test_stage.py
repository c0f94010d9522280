"""Stage 6: a baseline from real traces, and a failure where the deployed application leaves none."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.selectors import industry_get
from liaoyuan.operations.models import DailyRollup
from liaoyuan.pipeline import ports
from liaoyuan.pipeline.contract import NewArtifact, StageName
from liaoyuan.pipeline.models import Lineage, RunState, StageRun
from liaoyuan.pipeline.ports import Probe, Span
from liaoyuan.pipeline.services import artifact_register, solution_create, stage_run_execute, stage_run_start
from tests.integration.operations.traces import SPANS, recorded


class Answering:
    """Serves ``pipeline.ports.Application``: answers, and records its traces with the given spans (or none)."""

    def __init__(self, organization: Any, spans: tuple[Span, ...] | None) -> None:
        self.organization, self.spans = organization, spans
        self.solution = uuid.uuid4()
        self.asked: list[str] = []

    def ask(self, *, organization_id: uuid.UUID, deployment_id: uuid.UUID, question: str) -> Probe:
        self.asked.append(question)
        if self.spans is not None:
            with tenant_context(organization_id):
                recorded(
                    self.organization,
                    deployment_id=deployment_id,
                    solution_id=self.solution,
                    question=question,
                    spans=self.spans,
                )
        return Probe("…", abstained=False, citations=(), guard=())


Run = Callable[..., tuple[StageRun, Answering]]


@pytest.fixture
def run(organization: Any, owner: Any) -> Iterator[Run]:
    before = ports.application()

    def execute(spans: tuple[Span, ...] | None, *, earlier: bool = False) -> tuple[StageRun, Answering]:
        application = Answering(organization, spans)
        ports.wire(application=application)
        with tenant_context(organization.id, owner.user_id):
            solution, _ = solution_create(name="s", industry="medical", scenario="guideline-qa")
            application.solution = solution.id
            deployment = NewArtifact("deployment", "deployment", ())
            artifact_register(item=deployment, run_id=None, stored=None)
            if earlier:
                recorded(organization, deployment_id=deployment.id, solution_id=solution.id)
            queued = stage_run_start(
                stage=StageName.OPERATIONS,
                solution_id=solution.id,
                spec={"inputs": {"deployment": str(deployment.id)}},
            )
        stage_run_execute(run_id=queued.id)
        with tenant_context(organization.id):
            return StageRun.objects.get(id=queued.id), application

    yield execute
    ports.wire(application=before)


def test_the_baseline_asks_the_packs_questions_and_reads_back_their_traces(run: Run, organization: Any) -> None:
    done, application = run(SPANS)
    assert done.state == RunState.SUCCEEDED, done.error
    assert application.asked == [q.question for q in industry_get("medical").demo_questions("guideline-qa")]
    health = done.result["health"]
    assert health["answers"] == len(application.asked)
    assert set(done.result["spans"]) == {"guard", "retrieve", "rerank"}
    made = done.result["artifacts"][0]
    with tenant_context(organization.id):
        edge = Lineage.objects.get(child_id=made["id"])
        assert DailyRollup.objects.get(solution_id=application.solution).answers == len(application.asked)
    assert (made["kind"], edge.parent_kind, edge.relation) == ("operations_report", "deployment", "observes")
    assert done.result["summary_zh"] and done.result["summary_en"]


@pytest.mark.parametrize("earlier", [False, True])
def test_answers_without_a_trace_fail_the_stage_even_if_there_were_traces_once(run: Run, earlier: bool) -> None:
    done, _ = run(None, earlier=earlier)
    assert (done.state, done.error["code"]) == (RunState.FAILED, "not_observed")
    assert "trace" in done.error["zh"] and "trace" in done.error["en"]


def test_a_trace_without_the_needed_spans_fails_and_names_them(run: Run) -> None:
    done, _ = run(SPANS[:1])
    assert done.error["code"] == "not_observed"
    assert "retrieve" in done.error["en"] and "guard" not in done.error["en"]
