"""A collection's own question set stands before every promotion: through the whole of stage 4, from the documents to
the route."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.models import Bundle, Deployment, GateReport
from liaoyuan.deployment.selectors import deployment_for
from liaoyuan.knowledge.questions.services import question_add, set_change, set_create
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services import documents_import
from liaoyuan.pipeline.contract import NewArtifact, StageName
from liaoyuan.pipeline.files import StoredFile
from liaoyuan.pipeline.models import Lineage, RunState, StageRun
from liaoyuan.pipeline.services import (
    artifact_register,
    solution_create,
    stage_run_approve,
    stage_run_execute,
    stage_run_start,
)
from liaoyuan.pipeline.storage import storage, storage_key
from tests.integration.deployment.conftest import DOCUMENTS
from tests.integration.portal.windows import window

RUB = "外科手消毒的揉搓时间不少于多少分钟？"
HELD_OUT = (
    ("手卫生管理规定", "第一条", "医务人员在什么时候必须进行手卫生？", "医务人员在接触患者前后必须进行手卫生"),
    ("手卫生管理规定", "第二条", RUB, "外科手消毒的揉搓时间不少于 3 分钟"),
    ("手卫生管理规定", "第三条", "速干手消毒剂开启后的有效期为多少天？", "速干手消毒剂开启后的有效期为 30 天"),
    ("hand-hygiene", "Surgical", "How long does surgical hand rubbing take?", "at least 3 minutes"),
    ("hand-hygiene", "opened", "When is an opened bottle of alcohol rub discarded?", "discarded after 30 days"),
)


class Ward:
    """An organization with documents, a solution over them, and the held-out samples that examine its bundles."""

    def __init__(self, organization: Any, owner: Any, folder: Path) -> None:
        self.organization, self.owner = organization, owner
        for name, text in DOCUMENTS.items():
            (folder / name).write_text(text, encoding="utf-8")
        documents_import(organization_id=organization.id, collection="制度", paths=[folder], user_id=owner.user_id)
        with tenant_context(organization.id, owner.user_id):
            self.collection = collection_by_name("制度")
            self.solution, _new = solution_create(
                name=f"手卫生 {uuid.uuid4()}",
                industry="medical",
                scenario="guideline-qa",
                collection_id=self.collection.id,
            )
            self.dataset = self._held_out(folder)

    def _held_out(self, folder: Path) -> uuid.UUID:
        rows = [
            {"id": f"h{n}", "split": "eval", "answerable": True, "question": question, "answer": answer,
             "source": {"document": document, "locator": locator}}
            for n, (document, locator, question, answer) in enumerate(HELD_OUT)
        ]  # fmt: skip
        path = folder / "dataset.jsonl"
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        key = storage_key(self.organization.id, "datasets", uuid.uuid4(), "dataset.jsonl")
        item = NewArtifact(kind="dataset_version", name="held out", parents=())
        return artifact_register(item=item, stored=StoredFile(key, storage().put(key, path), 1)).id

    def question_set(self, *, must: str, metric: str = "must_contain", state: str = "approved") -> Any:
        """One question whose answer must say ``must``; the set demands that all of its questions are answered so."""
        with tenant_context(self.organization.id, self.owner.user_id):
            made = set_create(collection_id=self.collection.id, name="验收问题")
            question_add(
                collection_id=self.collection.id, set_id=made.id, question=RUB, evidence=["手卫生管理规定#第二条"],
                must_contain=[must],
            )  # fmt: skip
            return set_change(set_id=made.id, thresholds=[{"metric": metric, "at_least": 1.0}], state=state)

    def deploy(self) -> StageRun:
        with tenant_context(self.organization.id, self.owner.user_id):
            spec = {"inputs": {"dataset_version": str(self.dataset)}}
            run = stage_run_start(stage=StageName.DEPLOYMENT, solution_id=self.solution.id, spec=spec)
        return self.execute(run)

    def execute(self, run: StageRun) -> StageRun:
        stage_run_execute(run_id=run.id, worker="test")
        with tenant_context(self.organization.id):
            return StageRun.objects.get(id=run.id)

    def approve(self, run: StageRun) -> StageRun:
        principal = Principal(self.owner.user_id, self.organization.id, "owner")
        with tenant_context(self.organization.id, self.owner.user_id):
            stage_run_approve(principal=principal, run_id=run.id, note="看过了")
        return self.execute(run)

    def live(self) -> tuple[int, int]:
        with tenant_context(self.organization.id):
            mine = {"solution_id": self.solution.id}
            return Bundle.objects.filter(**mine).count(), Deployment.objects.filter(**mine).count()


@pytest.fixture
def ward(embeddings: None, organization: Any, owner: Any, tmp_path: Path) -> Ward:
    return Ward(organization, owner, tmp_path)


def gates(run: StageRun) -> dict[str, bool]:
    report = run.result or run.checkpoint.get("report") or run.checkpoint["failed_report"]
    return {gate["name"]: gate["passed"] for gate in report["gates"]}


def test_a_set_that_fails_refuses_the_promotion_with_a_sentence_and_the_way_to_its_questions(ward: Ward) -> None:
    home = ward.question_set(must="不少于 5 分钟")
    run = ward.deploy()
    assert (run.state, run.error["code"]) == (RunState.FAILED, "gates_failed")
    for language in ("zh", "en"):
        assert "验收问题 · must_contain 0.000 (at_least 1.0)" in run.error[language]
    assert ward.live() == (0, 0)
    failing = [name for name, passed in gates(run).items() if not passed]
    assert failing == ["验收问题 · must_contain"], "everything that the pack demands is kept"
    page = window(ward.owner).get(f"/solutions/{ward.solution.id}/deployment/?run={run.id}")
    shown = next(gate for gate in page.context["page"].gates if not gate.passed)
    assert [row["question"] for row in shown.failing] == [RUB]
    text = page.content.decode()
    assert f"/collections/{ward.collection.id}/evaluation/sets/{home.id}/" in text
    assert 'href="#failing-' in text and RUB in text


def test_a_set_that_passes_lets_it_wait_for_an_owner_and_go_live(ward: Ward) -> None:
    ward.question_set(must="不少于 3 分钟")
    run = ward.deploy()
    assert (run.state, run.wait_kind) == (RunState.WAITING, "approval"), run.error
    assert gates(run)["验收问题 · must_contain"] is True
    assert ward.live() == (0, 0)
    done = ward.approve(run)
    assert done.state == RunState.SUCCEEDED, done.error
    assert ward.live() == (1, 1)
    with tenant_context(ward.organization.id):
        found = deployment_for(ward.solution.name)
        kept = GateReport.objects.get(bundle_id=found.bundle_id)
        parents = set(Lineage.objects.filter(child_id=found.bundle_id).values_list("parent_kind", flat=True))
    assert kept.passed and parents == {"document_version"}
    measured = [gate for gate in done.result["gates"] if gate["questions"] == "验收问题"]
    assert [(gate["n"], gate["value"]) for gate in measured] == [(1, 1.0)]


def test_what_the_set_demands_between_measuring_and_approval_is_measured_before_it_goes_live(ward: Ward) -> None:
    home = ward.question_set(must="不少于 3 分钟")
    run = ward.deploy()
    assert run.wait_kind == "approval"
    with tenant_context(ward.organization.id, ward.owner.user_id):
        question_add(
            collection_id=ward.collection.id, set_id=home.id, question="手术室多久消毒一次？", must_contain=["每日两次"]
        )
    done = ward.approve(run)
    assert (done.state, done.error["code"]) == (RunState.FAILED, "gates_failed")
    assert ward.live() == (0, 0)


def test_a_draft_a_retired_and_a_strangers_set_gate_nothing(
    ward: Ward, other_organization: Any, stranger: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    Ward(other_organization, stranger, folder).question_set(must="从来没有写过")
    home = ward.question_set(must="从来没有写过", state="draft")
    run = ward.deploy()
    assert (run.state, run.wait_kind) == (RunState.WAITING, "approval"), run.error
    assert not [name for name in gates(run) if "验收问题" in name]
    with tenant_context(ward.organization.id, ward.owner.user_id):
        set_change(set_id=home.id, state="retired")
    done = ward.approve(run)
    assert done.state == RunState.SUCCEEDED, done.error
    assert window(stranger).get(f"/solutions/{ward.solution.id}/deployment/").status_code == 404
    assert window(stranger).get(f"/collections/{ward.collection.id}/evaluation/sets/{home.id}/").status_code == 404
