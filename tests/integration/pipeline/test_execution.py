"""One run: claimed once, worked once, ended in one transaction, with every kind of ending."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.files import Places
from liaoyuan.pipeline.models import Artifact, Outbox, StageEvent, StageRun
from liaoyuan.pipeline.services import stage_run_execute
from liaoyuan.pipeline.storage import storage

Start = Callable[..., UUID]
Row = Callable[[UUID], StageRun]


def kinds(organization: Any, run_id: UUID) -> list[str]:
    with tenant_context(organization.id):
        return list(StageEvent.objects.filter(run_id=run_id).order_by("seq").values_list("kind", flat=True))


def test_a_run_is_queued_with_its_doorbell_in_one_transaction(start: Start, organization: Any) -> None:
    run_id = start()
    with tenant_context(organization.id):
        assert Outbox.objects.get(run_id=run_id).queue == "evaluate"
    assert kinds(organization, run_id) == ["queued"]


def test_a_run_that_was_rolled_back_leaves_no_doorbell(organization: Any, owner: Any) -> None:
    from liaoyuan.pipeline.services import stage_run_start

    with pytest.raises(ZeroDivisionError), tenant_context(organization.id, owner.user_id):
        stage_run_start(stage="evaluate")
        raise ZeroDivisionError
    with tenant_context(organization.id):
        assert Outbox.objects.count() == StageRun.objects.count() == 0


def test_success_registers_artifact_event_and_state_together(start: Start, row: Row, organization: Any) -> None:
    run_id = start()
    assert stage_run_execute(run_id=run_id, worker="w") == "succeeded"
    run = row(run_id)
    assert (run.state, run.attempt, run.fence, run.progress, run.lease_until) == ("succeeded", 1, 1, 1.0, None)
    assert kinds(organization, run_id) == ["queued", "started", "succeeded"]
    with tenant_context(organization.id):
        artifact = Artifact.objects.get(run_id=run_id)
        assert Outbox.objects.count() == 0
    assert artifact.size and len(artifact.sha256) == 64
    assert storage().open_path(artifact.uri).read_text(encoding="utf-8") == f"{run_id} 1"
    assert not Places(organization.id, run_id, 1).home.exists()


def test_five_doorbells_at_once_make_one_run(start: Start, row: Row, organization: Any) -> None:
    run_id = start("work", seconds=0.3)
    answers: list[str | None] = []

    def answer() -> None:
        from django.db import connections

        answers.append(stage_run_execute(run_id=run_id))
        connections.close_all()

    threads = [Thread(target=answer) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, answers)) == ["None"] * 4 + ["succeeded"]
    assert row(run_id).fence == 1


def test_a_claim_is_one_guarded_update(start: Start) -> None:
    """Selected first and updated by id, the row would be found queued by two workers at once."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from liaoyuan.pipeline.services.fencing import run_claim

    run_id = start("work")
    with CaptureQueriesContext(connection) as said:
        assert run_claim(run_id=run_id, worker="w") is not None
    (claim,) = [each["sql"] for each in said if each["sql"].startswith('UPDATE "pipeline_stagerun"')]
    assert '"id" IN (SELECT' not in claim
    assert """"state" = 'queued'""" in claim.split("WHERE", 1)[1]


def test_a_doorbell_for_nothing_is_dropped(database: str) -> None:
    assert stage_run_execute(run_id=uuid4()) is None


def test_an_expected_failure_keeps_its_code_and_sentences(start: Start, row: Row) -> None:
    run_id = start("fail")
    assert stage_run_execute(run_id=run_id) == "failed"
    error = row(run_id).error
    assert (error["code"], error["en"]) == ("stage_failed", "The stage could not complete: no")
    assert error["zh"]


def test_a_bug_shows_a_reference_and_no_detail(start: Start, row: Row, caplog: pytest.LogCaptureFixture) -> None:
    run_id = start("crash")
    assert stage_run_execute(run_id=run_id) == "errored"
    error = row(run_id).error
    assert error["reference"] in error["en"]
    assert "secret detail" not in str(error)
    assert any(error["reference"] in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_retryable_failure_waits_and_is_queued_again(start: Start, row: Row, organization: Any) -> None:
    run_id = start("busy", times=1)
    assert stage_run_execute(run_id=run_id) == "queued"
    run = row(run_id)
    assert run.wait_kind == "retry" and run.not_before is not None
    # Too early: nobody may claim it yet.
    assert stage_run_execute(run_id=run_id) is None
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(not_before=None)
    assert stage_run_execute(run_id=run_id) == "succeeded"
    assert row(run_id).attempt == 2


def test_a_retryable_failure_on_the_last_attempt_is_final(start: Start, row: Row, organization: Any) -> None:
    run_id = start("busy")
    states = []
    for _ in range(3):
        with tenant_context(organization.id):
            StageRun.objects.filter(id=run_id).update(not_before=None)
        states.append(stage_run_execute(run_id=run_id))
    assert states == ["queued", "queued", "failed"]
    assert row(run_id).error["code"] == "busy"


def test_a_checkpoint_and_its_files_reach_the_next_attempt(start: Start, row: Row, organization: Any) -> None:
    run_id = start("checkpoint")
    assert stage_run_execute(run_id=run_id) == "queued"
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(not_before=None)
    assert stage_run_execute(run_id=run_id) == "succeeded"
    assert row(run_id).result["step"] == 7
    assert row(run_id).result["file"] == "half"


def test_a_file_outside_of_the_work_folder_is_refused(start: Start, row: Row) -> None:
    run_id = start("outside")
    assert stage_run_execute(run_id=run_id) == "failed"
    assert row(run_id).error["code"] == "artifact_outside"


def test_when_one_row_is_refused_nothing_is_registered(start: Start, row: Row, organization: Any) -> None:
    run_id = start("bad_save")
    assert stage_run_execute(run_id=run_id) == "failed"
    with tenant_context(organization.id):
        assert Artifact.objects.count() == 0
    assert not list(storage().list(f"{organization.id}/runs/{run_id}"))


def test_a_stage_may_log_and_report_numbers(start: Start, organization: Any) -> None:
    run_id = start("log")
    stage_run_execute(run_id=run_id)
    assert kinds(organization, run_id) == ["queued", "started", "log", "progress", "succeeded"]


def test_the_same_key_gives_the_same_run(start: Start, organization: Any) -> None:
    assert start(key="once") == start(key="once")
    assert start() != start()
    with tenant_context(organization.id):
        assert Outbox.objects.count() == 3


def test_another_tenant_may_use_the_same_key(start: Start, other_organization: Any, organization: Any) -> None:
    from liaoyuan.pipeline.services import stage_run_start

    mine = start(key="once")
    with tenant_context(other_organization.id):
        assert stage_run_start(stage="evaluate", idempotency_key="once").id != mine


def test_a_fenced_worker_writes_nothing_and_removes_its_output(
    start: Start, row: Row, organization: Any, tmp_path: Path
) -> None:
    run_id = start("work_deaf", seconds=0.6, mark=str(tmp_path / "mark"))
    slow = Thread(target=lambda: stage_run_execute(run_id=run_id, worker="slow"))
    slow.start()
    while row(run_id).state != "running":
        pass
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(state="queued", lease_until=None, spec={"do": "succeed"})
    assert stage_run_execute(run_id=run_id, worker="fast") == "succeeded"
    slow.join()
    assert (tmp_path / "mark").read_text(encoding="utf-8") == "1"
    run = row(run_id)
    assert (run.state, run.fence, run.worker) == ("succeeded", 2, "fast")
    with tenant_context(organization.id):
        assert Artifact.objects.filter(run_id=run_id).count() == 1
    stored = list(storage().list(f"{organization.id}/runs/{run_id}"))
    assert len(stored) == 1 and "attempt-2" in stored[0]
