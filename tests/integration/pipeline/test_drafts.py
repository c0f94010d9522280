"""A solution before it is one: whose draft it is, what two windows do to it, and what a start waits for."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID, uuid4

import pytest

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound, PermissionDenied
from liaoyuan.pipeline.errors import DraftChanged, DraftStarted, SolutionBusy, SolutionNameTaken
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.selectors import draft_get, drafts_open
from liaoyuan.pipeline.services import (
    draft_change,
    draft_discard,
    draft_locked,
    draft_open,
    pipeline_start,
    solution_archive,
    solution_create,
    solution_rename,
    solution_restore,
    stage_run_cancel,
    stage_run_execute,
    stage_run_retry,
)

Start = Callable[..., UUID]
Row = Callable[[UUID], StageRun]
Enter = Callable[..., AbstractContextManager[Any]]


def test_a_draft_belongs_to_one_person(
    organization: Any, owner: Any, steward: Any, stranger: Any, in_tenant: Enter
) -> None:
    with in_tenant(organization, owner):
        draft = draft_open(industry="medical")
        assert draft_get(draft.id) == draft
    with in_tenant(organization, steward), pytest.raises(NotFound):
        draft_get(draft.id)
    with tenant_context(stranger.organization_id, stranger.user_id), pytest.raises(NotFound):
        draft_change(draft_id=draft.id, scenario="x")


@pytest.mark.usefixtures("tenant")
def test_a_second_click_opens_no_second_draft() -> None:
    first = draft_open(industry="medical")
    assert draft_open(industry="medical") == first
    draft_change(draft_id=first.id, scenario="guideline-qa")
    assert draft_open(industry="medical") != first
    assert list(drafts_open()) == [first]


@pytest.mark.usefixtures("tenant")
def test_only_real_changes_make_a_new_version_and_an_old_one_is_refused() -> None:
    draft = draft_open(industry="medical")
    changed = draft_change(draft_id=draft.id, scenario="guideline-qa", name="问答")
    assert (changed.version, draft_change(draft_id=draft.id, name="问答").version) == (2, 2)
    draft_locked(draft.id, version=2)
    with pytest.raises(DraftChanged):
        draft_locked(draft.id, version=1)


@pytest.mark.usefixtures("tenant")
def test_another_industry_drops_the_scenario() -> None:
    draft = draft_open(industry="medical")
    draft_change(draft_id=draft.id, scenario="guideline-qa")
    assert draft_change(draft_id=draft.id, industry="energy").scenario == ""


@pytest.mark.usefixtures("tenant")
def test_a_started_draft_stays_as_it_is() -> None:
    draft = draft_open(industry="medical")
    draft_change(draft_id=draft.id, pipeline_id=uuid4())
    with pytest.raises(DraftStarted):
        draft_change(draft_id=draft.id, name="x")
    with pytest.raises(DraftStarted):
        draft_discard(draft_id=draft.id)
    assert draft_get(draft.id).pipeline_id


def first_run(organization: Any, owner: Any, *imports: UUID) -> UUID:
    with tenant_context(organization.id, owner.user_id):
        solution, _ = solution_create(name=f"s {uuid4()}", industry="medical", scenario="guideline-qa")
        pipeline = pipeline_start(solution_id=solution.id, after=imports)
        return pipeline.runs.get(position=0).id


def test_a_pipeline_waits_for_its_documents_and_then_begins(
    organization: Any, owner: Any, start: Start, row: Row
) -> None:
    one, two = start(stage="ingest"), start(stage="ingest")
    first = first_run(organization, owner, one, two)
    assert (row(first).state, row(first).wait_kind) == ("waiting", "dependency")
    assert "导入文档" in row(first).wait_reason_zh
    stage_run_execute(run_id=one, worker="w")
    assert row(first).state == "waiting"
    stage_run_execute(run_id=two, worker="w")
    assert row(first).state == "queued"


def test_documents_that_are_there_already_are_not_waited_for(
    organization: Any, owner: Any, start: Start, row: Row
) -> None:
    done = start(stage="ingest")
    stage_run_execute(run_id=done, worker="w")
    assert row(first_run(organization, owner, done)).state == "queued"


def test_a_failed_import_is_named_and_its_retry_lets_the_pipeline_begin(
    organization: Any, owner: Any, principal: Principal, start: Start, row: Row
) -> None:
    run = start("fail", stage="ingest")
    first = first_run(organization, owner, run)
    stage_run_execute(run_id=run, worker="w")
    assert "import documents failed" in row(first).wait_reason_en
    # Neither a cancelled and retried first stage nor the import's retry makes it begin without its documents.
    with tenant_context(organization.id, owner.user_id):
        stage_run_cancel(principal=principal, run_id=first)
        assert stage_run_retry(principal=principal, run_id=first) == "waiting"
        StageRun.objects.filter(id=run).update(spec={"do": "succeed"})
        stage_run_retry(principal=principal, run_id=run)
    assert row(first).wait_reason_en == "dependency: import documents comes first"
    stage_run_execute(run_id=run, worker="w")
    assert row(first).state == "queued"


@pytest.mark.usefixtures("tenant")
def test_a_solution_gets_another_name_once(principal: Principal) -> None:
    one, _ = solution_create(name="甲", industry="medical", scenario="guideline-qa")
    solution_create(name="乙", industry="medical", scenario="guideline-qa")
    with pytest.raises(SolutionNameTaken):
        solution_rename(principal=principal, solution_id=one.id, name="乙")
    with pytest.raises(InvalidInput):
        solution_rename(principal=principal, solution_id=one.id, name="\u200b\u202e ")
    assert solution_rename(principal=principal, solution_id=one.id, name=" 丙\u200b <b> ").name == "丙 <b>"
    assert AuditEvent.objects.filter(action="solution.rename").count() == 1


def test_an_archived_solution_comes_back(
    organization: Any, owner: Any, principal: Principal, start_pipeline: Callable[..., list[UUID]], row: Row
) -> None:
    runs = start_pipeline()
    solution_id = row(runs[0]).solution_id
    assert solution_id
    with tenant_context(organization.id, owner.user_id):
        with pytest.raises(SolutionBusy):
            solution_archive(principal=principal, solution_id=solution_id)
        for run in reversed(runs):
            stage_run_cancel(principal=principal, run_id=run)
        assert solution_archive(principal=principal, solution_id=solution_id).archived_at
        assert solution_restore(principal=principal, solution_id=solution_id).archived_at is None


def test_a_viewer_renames_nothing(organization: Any, viewer: Any, in_tenant: Enter) -> None:
    who = Principal(user_id=viewer.user_id, organization_id=organization.id, role="viewer")
    with in_tenant(organization, viewer), pytest.raises(PermissionDenied):
        solution_rename(principal=who, solution_id=uuid4(), name="x")
