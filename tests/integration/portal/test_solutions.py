"""The list, the board and the page of a run: what each reader sees, and what each may do."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from liaoyuan.accounts.models import Member
from liaoyuan.pipeline.events import event_write
from liaoyuan.pipeline.models import Pipeline, Solution, StageRun, WorkerBeat
from liaoyuan.pipeline.services import (
    pipeline_start,
    solution_create,
    stage_run_execute,
    stage_run_start,
    worker_beat,
    worker_gone,
)
from tests.integration.portal.windows import as_member, inert, window
from tests.stages import scripted_stages


@pytest.fixture(autouse=True)
def _stages() -> Iterator[None]:
    with scripted_stages():
        yield


@pytest.fixture
def runs(owner: Member) -> list[StageRun]:
    """A solution that was just started."""
    return started(owner)


def started(member: Member, name: str = "问答", **more: Any) -> list[StageRun]:
    def make() -> list[StageRun]:
        made, _ = solution_create(name=name, industry="medical", scenario="guideline-qa")
        return list(pipeline_start(solution_id=made.id, **more).runs.order_by("position"))

    return as_member(member, make)


def board_of(member: Member, runs: list[StageRun], query: str = "") -> Any:
    return window(member).get(f"/solutions/{runs[0].solution_id}/{query}")


def steer(member: Member, run: UUID, verb: str, **form: str) -> Any:
    return window(member).post(f"/runs/{run}/{verb}", form)


def row(member: Member, run: StageRun) -> StageRun:
    return as_member(member, lambda: StageRun.objects.get(id=run.id))


def test_the_board_says_what_waits_and_why(owner: Member, runs: list[StageRun]) -> None:
    stages = board_of(owner, runs).context["it"].stages
    assert [stage.state for stage in stages] == ["queued", *["waiting"] * 5]
    assert stages[1].line == "dependency: build compute comes first"
    assert stages[0].address.endswith("/compute/")


def test_the_board_says_that_no_worker_lives_and_since_when(owner: Member, runs: list[StageRun]) -> None:
    WorkerBeat.objects.all().delete()
    assert [(away.queue, away.since) for away in board_of(owner, runs).context["it"].away] == [("light", None)]
    worker_beat(name="w@test", queues=["light"], slots=1)
    try:
        assert board_of(owner, runs).context["it"].away == []
        silent = timezone.now() - timedelta(minutes=5)
        WorkerBeat.objects.filter(name="w@test").update(at=silent)
        page = board_of(owner, runs)
        assert page.context["it"].away[0].since == silent
        assert "Its last sign of life" in page.content.decode()
    finally:
        worker_gone(name="w@test")


def test_an_owner_approves_with_a_note_that_stands_in_the_log(owner: Member) -> None:
    runs = started(owner, specs={"compute": {"do": "approval"}})
    stage_run_execute(run_id=runs[0].id, worker="w")
    page = board_of(owner, runs)
    assert (page.context["it"].stages[0].badge, page.context["it"].stages[0].verbs) == (
        "needs-you",
        ("approve", "cancel"),
    )
    assert f'id="approve-{runs[0].id}"' in page.content.decode()
    steer(owner, runs[0].id, "approve", note="看过考核结果 <b>")
    after = row(owner, runs[0])
    assert (after.state, after.checkpoint["approval"]["note"]) == ("queued", "看过考核结果 <b>")
    text = board_of(owner, runs).content.decode()
    assert "approved by" in text
    assert "看过考核结果 &lt;b&gt;" in text


@pytest.mark.parametrize("role", ["viewer", "developer", "steward", "auditor"])
def test_only_an_owner_approves(organization: Any, owner: Member, role: str) -> None:
    from tests.conftest import _member

    runs = started(owner, specs={"compute": {"do": "approval"}})
    stage_run_execute(run_id=runs[0].id, worker="w")
    other = _member(organization, role)
    assert "approve" not in board_of(other, runs).context["it"].stages[0].verbs
    steer(other, runs[0].id, "approve")
    assert row(owner, runs[0]).state == "waiting"


def test_a_failure_is_retried_and_a_run_cancelled(owner: Member) -> None:
    runs = started(owner, specs={"compute": {"do": "fail"}})
    stage_run_execute(run_id=runs[0].id, worker="w")
    stage = board_of(owner, runs).context["it"].stages[0]
    assert (stage.state, stage.verbs, stage.line) == ("failed", ("retry",), "The stage could not complete: no")
    assert steer(owner, runs[0].id, "retry").status_code == 302
    assert row(owner, runs[0]).state == "queued"
    steer(owner, runs[0].id, "cancel")
    assert row(owner, runs[0]).state == "cancelled"
    # A second click says so in a sentence and breaks nothing.
    again = window(owner)
    again.post(f"/runs/{runs[0].id}/cancel", headers={"Referer": f"http://testserver/runs/{runs[0].id}/"})
    assert "cannot be asked to cancel" in again.get(f"/runs/{runs[0].id}/").content.decode()


def test_run_again_twice_is_one_more_pass(owner: Member, runs: list[StageRun]) -> None:
    client, path = window(owner), f"/solutions/{runs[0].solution_id}/start"
    for _ in range(2):
        client.post(path, {"key": "k1"})
    assert as_member(owner, Pipeline.objects.count) == 2
    assert board_of(owner, runs).context["it"].passes == [2, 1]
    old = board_of(owner, runs, "?pass=1").context["it"]
    assert (old.newest, [stage.verbs for stage in old.stages]) == (False, [()] * 6)
    assert board_of(owner, runs, "?pass=9").status_code == 404
    assert client.post(path, {}).status_code == 302
    assert as_member(owner, Pipeline.objects.count) == 2


def test_the_list_is_narrowed_and_paged(owner: Member) -> None:
    started(owner, "手卫生")
    failed = started(owner, "用药", specs={"compute": {"do": "fail"}})
    stage_run_execute(run_id=failed[0].id, worker="w")
    as_member(owner, lambda: solution_create(name="空白 100%_", industry="energy", scenario="safety-regulation-qa"))

    def names(query: str) -> list[str]:
        return [each.name for each in window(owner).get(f"/solutions/?{query}").context["found"].object_list]

    assert names("") == ["空白 100%_", "用药", "手卫生"]
    assert names("q=%25_") == ["空白 100%_"]
    assert (names("state=bad"), names("state=active"), names("state=new")) == (["用药"], ["手卫生"], ["空白 100%_"])
    assert (names("industry=energy"), names("industry=nope"), names("state=nope&page=x")) == (
        ["空白 100%_"],
        ["空白 100%_", "用药", "手卫生"],
        ["空白 100%_", "用药", "手卫生"],
    )


def test_an_archived_solution_leaves_the_list_and_comes_back(owner: Member) -> None:
    made = as_member(owner, lambda: solution_create(name="旧", industry="medical", scenario="guideline-qa")[0])
    client = window(owner)
    client.post(f"/solutions/{made.id}/archive")
    assert client.get("/solutions/").context["found"].object_list == []
    assert len(client.get("/solutions/?state=archived").context["found"].object_list) == 1
    client.post(f"/solutions/{made.id}/restore")
    assert len(client.get("/solutions/").context["found"].object_list) == 1


def test_renaming_cleans_and_refuses(owner: Member, runs: list[StageRun]) -> None:
    client, path = window(owner), f"/solutions/{runs[0].solution_id}/rename"
    assert client.get(path).status_code == 200
    client.post(path, {"name": "新\u200b名 <i>"})
    assert as_member(owner, lambda: Solution.objects.get(id=runs[0].solution_id)).name == "新名 <i>"
    assert "<i>" not in board_of(owner, runs).content.decode()
    assert client.post(path, {"name": ""}).status_code == 422


def test_a_run_tells_its_attempts_and_its_log(owner: Member) -> None:
    run = as_member(owner, lambda: stage_run_start(stage="evaluate", spec={"do": "log"}))
    stage_run_execute(run_id=run.id, worker="w1")
    page = window(owner).get(f"/runs/{run.id}/")
    [attempt] = page.context["it"].attempts
    assert (attempt.number, attempt.worker, attempt.badge) == (1, "w1", "succeeded")
    assert "progress" not in [event.kind for event in page.context["it"].events]
    everything = window(owner).get(f"/runs/{run.id}/?log=all")
    assert "looked" in everything.content.decode()
    assert [piece.kind for piece in page.context["it"].gave] == ["made-by-evaluate"]


def test_what_an_import_says_of_its_files_is_for_those_who_may_know(organization: Any, owner: Member) -> None:
    from tests.conftest import _member

    run = as_member(owner, lambda: stage_run_start(stage="ingest", spec={"collection": "c", "paths": []}))

    def tell() -> None:
        StageRun.objects.filter(id=run.id).update(
            state="succeeded", result={"files": [{"path": "/x/裁员名单.pdf", "state": "rejected", "reason": "坏"}]}
        )
        event_write(
            run_id=run.id,
            organization_id=owner.organization_id,
            kind="progress",
            data={"message_zh": "裁员名单.pdf", "message_en": "裁员名单.pdf"},
        )

    as_member(owner, tell)
    path = f"/runs/{run.id}/?log=all"
    assert "裁员名单" in window(owner).get(path).content.decode()
    page = window(_member(organization, "developer")).get(path)
    assert (page.status_code, "裁员名单" in page.content.decode()) == (200, False)


@pytest.mark.parametrize(
    "path", ["/solutions/{s}/", "/solutions/{s}/board", "/solutions/{s}/row", "/runs/{r}/", "/runs/{r}/live"]
)
def test_a_stranger_meets_the_same_nothing(stranger: Member, runs: list[StageRun], path: str) -> None:
    client = window(stranger)
    foreign = client.get(path.format(s=runs[0].solution_id, r=runs[0].id))
    missing = client.get(path.format(s=uuid4(), r=uuid4()))
    assert (foreign.status_code, inert(foreign)) == (404, inert(missing))


@pytest.mark.parametrize("verb", ["approve", "cancel", "retry", "resume", "nonsense"])
def test_a_stranger_steers_nothing(stranger: Member, owner: Member, runs: list[StageRun], verb: str) -> None:
    assert steer(stranger, runs[0].id, verb).status_code == 404
    assert row(owner, runs[0]).state == "queued"


@pytest.mark.parametrize("verb", ["start", "archive", "restore", "rename"])
def test_a_stranger_changes_no_solution(stranger: Member, owner: Member, runs: list[StageRun], verb: str) -> None:
    path = f"/solutions/{runs[0].solution_id}/{verb}"
    assert window(stranger).post(path, {"key": "k", "name": "mine"}).status_code == 404
    found = as_member(owner, lambda: Solution.objects.get(id=runs[0].solution_id))
    assert (found.name, found.archived_at) == ("问答", None)


def test_a_viewer_reads_and_steers_nothing(viewer: Member, owner: Member, runs: list[StageRun]) -> None:
    page = board_of(viewer, runs)
    assert page.status_code == 200
    assert [stage.verbs for stage in page.context["it"].stages] == [()] * 6
    for verb in ("start", "archive", "rename"):
        window(viewer).post(f"/solutions/{runs[0].solution_id}/{verb}", {"key": "k", "name": "mine"})
    steer(viewer, runs[0].id, "cancel")
    assert (as_member(owner, Pipeline.objects.count), row(owner, runs[0]).state) == (1, "queued")
