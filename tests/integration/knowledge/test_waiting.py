"""Every file of an import says where it stands and why; people try again and cancel; nobody is starved."""

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder, embedder
from liaoyuan.knowledge.models import Collection, DocumentVersion
from liaoyuan.knowledge.services.collecting import collection_create
from liaoyuan.knowledge.waiting import slices
from liaoyuan.knowledge.waiting.estimates import FIRST_SECONDS, Costs, cost_of, pace_of
from liaoyuan.knowledge.waiting.models import ImportItem, ItemState
from liaoyuan.knowledge.waiting.selectors import line_of
from liaoyuan.knowledge.waiting.services import NothingToCancel, NothingToRetry, items_cancel, items_retry
from liaoyuan.pipeline.adapters.model_server import ModelServerDown
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start, worker_beat

TEXT = "# 制度{0}\n\n第一条 第{0}号设备每{0}天检查一次。\n"


@pytest.fixture(autouse=True)
def in_process(settings: Any, engine: ProcessEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    monkeypatch.setattr("liaoyuan.knowledge.adapters.embeddings.ProcessEmbedder", lambda **_: engine)
    embedder()
    with system_context("test") as alias:
        runs = StageRun.objects.using(alias).exclude(state__in=FINAL_STATES)
        runs.update(state=RunState.CANCELLED)


@pytest.fixture
def collection(organization: Any) -> Collection:
    with tenant_context(organization.id):
        return collection_create(name="制度")[0]


def folder_of(tmp_path: Path, count: int) -> Path:
    folder = tmp_path / f"files-{count}"
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"{number:02d}.md").write_text(TEXT.format(number))
    return folder


def start(organization: Any, path: Path, member: Any = None) -> UUID:
    spec = {"collection": "制度", "paths": [str(path)]}
    with tenant_context(organization.id, member.user_id if member else None):
        return stage_run_start(stage=StageName.INGEST, spec=spec).id


def states(organization: Any) -> list[str]:
    with tenant_context(organization.id):
        return list(ImportItem.objects.order_by("position").values_list("state", flat=True))


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> None:
    """The worker is lost (or the engine goes) when it comes to the file after the first ``after``."""
    real, done = slices.file_finish, 0

    def finish(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        if done >= after:
            raise error
        done += 1
        return real(*arguments, **options)

    monkeypatch.setattr(slices, "file_finish", finish)


def again(organization: Any, run_id: UUID) -> str | None:
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(state=RunState.QUEUED, not_before=None, lease_until=None)
    return stage_run_execute(run_id=run_id, worker="test")


def test_each_file_is_a_row_and_the_result_names_only_some(
    organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.knowledge.stage.NAMED", 2)
    folder = folder_of(tmp_path, 4)
    (folder / "00.pdf").write_bytes(b"%PDF-1.4 broken")
    run_id = start(organization, folder)
    assert stage_run_execute(run_id=run_id, worker="test") == RunState.SUCCEEDED
    assert states(organization) == ["rejected", *["ready"] * 4]
    with tenant_context(organization.id):
        run = StageRun.objects.get(id=run_id)
        item = ImportItem.objects.get(state=ItemState.READY, name="01.md")
    assert {name: run.result[name] for name in ("ready", "rejected", "total")} == {
        "ready": 4,
        "rejected": 1,
        "total": 5,
    }
    assert [file["state"] for file in run.result["files"]] == ["rejected", "ready"], "the trouble first"
    assert item.share > 0 and item.chunks == 1 and item.version_id and item.tries == 1


def test_in_line_a_file_has_a_place_a_reason_and_an_end(
    organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(organization, folder_of(tmp_path, 4))
    interrupt(monkeypatch, 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage_run_execute(run_id=run_id, worker="dies")
    worker_beat(name="w", queues=["ingest"], slots=1)
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(state=RunState.QUEUED, queued_at=timezone.now())
        line = line_of(collection.id)
    assert (line.queued, line.working) == (3, 0)
    assert [file.position for file in line.files] == [1, 2, 3]
    assert all("第" in file.reason_zh and "line" in file.reason_en for file in line.files)
    ends = [file.until for file in line.files]
    assert all(ends) and ends == sorted(ends) and line.until == pytest.approx(ends[-1], abs=timedelta(seconds=5))
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run_id).update(state=RunState.FAILED, finished_at=timezone.now())
        dead = line_of(collection.id).files
    assert {file.until for file in dead} == {None} and "重试" in dead[0].reason_zh


def test_after_a_lost_worker_finished_files_are_not_done_again(
    organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(organization, folder_of(tmp_path, 4))
    with monkeypatch.context() as patch:
        interrupt(patch, 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            stage_run_execute(run_id=run_id, worker="dies")
    assert states(organization) == ["ready", "ready", "queued", "queued"]
    with tenant_context(organization.id):
        before = dict(DocumentVersion.objects.filter(state="in_force").values_list("id", "indexed_at"))
    assert again(organization, run_id) == RunState.SUCCEEDED
    with tenant_context(organization.id):
        after = dict(DocumentVersion.objects.filter(state="in_force").values_list("id", "indexed_at"))
    assert len(after) == 4 and before.items() <= after.items()


def test_while_the_engine_is_down_the_files_wait_and_say_why(
    organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(organization, folder_of(tmp_path, 2))
    with monkeypatch.context() as patch:
        interrupt(patch, 1, ModelServerDown(url="http://model", detail="refused"))
        assert stage_run_execute(run_id=run_id, worker="test") == RunState.WAITING
    with tenant_context(organization.id):
        (file,) = line_of(collection.id).files
    assert "http://model" in file.reason_zh and file.state == "queued"
    assert again(organization, run_id) == RunState.SUCCEEDED


def test_ten_thousand_files_do_not_starve_three(
    organization: Any, other_organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = start(organization, folder_of(tmp_path, 6))
    small = start(other_organization, folder_of(tmp_path, 3))
    with tenant_context(other_organization.id):
        StageRun.objects.filter(id=small).update(queued_at=timezone.now() - timedelta(seconds=10))
    with monkeypatch.context() as hurry:
        # Only now: on a slow machine the small one would give way to the large one in turn.
        hurry.setattr(slices.Slices, "__init__", _without_patience(slices.Slices.__init__))
        assert stage_run_execute(run_id=large, worker="only") == RunState.QUEUED
    assert states(organization) == ["ready", *["queued"] * 5], "one file, then the other organization's turn"
    assert stage_run_execute(run_id=small, worker="only") == RunState.SUCCEEDED
    with tenant_context(organization.id):
        gave_way = StageRun.objects.get(id=large)
    assert (gave_way.attempt, gave_way.wait_kind) == (0, "queue")
    assert stage_run_execute(run_id=large, worker="only") == RunState.SUCCEEDED


def _without_patience(made: Any) -> Any:
    def init(self: Any, job: Any, context: Any) -> None:
        made(self, job, context, 0.0)

    return init


def test_one_is_cancelled_and_tried_again_and_all_of_them(
    organization: Any, collection: Collection, tmp_path: Path
) -> None:
    run_id = start(organization, folder_of(tmp_path, 3))
    with tenant_context(organization.id):
        # Listed as the run begins; a person may act before any is read.
        job = slices.ImportJob(organization.id, collection.id, run_id=run_id)
    slices.items_plan(job, run_id, [folder_of(tmp_path, 3)])
    with tenant_context(organization.id):
        second = ImportItem.objects.get(name="02.md")
        assert items_cancel(collection=collection, item_ids=[second.id]) == 1
        with pytest.raises(NothingToCancel):
            items_cancel(collection=collection, item_ids=[second.id])
    assert stage_run_execute(run_id=run_id, worker="test") == RunState.SUCCEEDED
    assert states(organization) == ["ready", "cancelled", "ready"]
    with tenant_context(organization.id):
        (run,) = items_retry(collection=collection, item_ids=[second.id])
        with pytest.raises(NothingToRetry):
            items_retry(collection=collection)
    assert stage_run_execute(run_id=run.id, worker="test") == RunState.SUCCEEDED
    assert states(organization) == ["ready"] * 3
    with tenant_context(organization.id):
        assert line_of(collection.id).files == []


def test_a_stopped_import_goes_on_where_it_stopped(
    organization: Any, owner: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liaoyuan.pipeline.contract import RunCancelled

    run_id = start(organization, folder_of(tmp_path, 3))

    def cancelled(_: Any) -> bool:
        with tenant_context(organization.id):
            StageRun.objects.filter(id=run_id, state=RunState.RUNNING).update(state=RunState.CANCELLING)
        return True

    with monkeypatch.context() as patch:
        interrupt(patch, 1, RunCancelled())
        patch.setattr("liaoyuan.pipeline.services.pulse.Pulse.cancelled", cancelled)
        assert stage_run_execute(run_id=run_id, worker="test") == RunState.CANCELLED
    assert states(organization) == ["ready", "cancelled", "cancelled"]
    assert again(organization, run_id) == RunState.SUCCEEDED
    assert states(organization) == ["ready"] * 3


def test_a_file_of_an_archive_is_found_again_by_another_attempt(
    organization: Any, collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "一批.zip", "w") as archive:
        for number in (1, 2, 3):
            archive.writestr(f"科室/{number}.md", TEXT.format(number))
    run_id = start(organization, tmp_path / "一批.zip")
    with monkeypatch.context() as patch:
        interrupt(patch, 1, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            stage_run_execute(run_id=run_id, worker="dies")
    assert again(organization, run_id) == RunState.SUCCEEDED
    with tenant_context(organization.id):
        names = set(DocumentVersion.objects.filter(state="in_force").values_list("document__name", flat=True))
    assert names == {f"科室/{number}.md" for number in (1, 2, 3)}


def test_the_names_are_for_those_who_see_all_and_for_who_brought_them(
    organization: Any, other_organization: Any, steward: Any, viewer: Any, collection: Collection, tmp_path: Path
) -> None:
    run_id = start(organization, folder_of(tmp_path, 2), steward)
    job = slices.ImportJob(organization.id, collection.id, steward.user_id, run_id)
    slices.items_plan(job, run_id, [folder_of(tmp_path, 2)])
    for who, groups, seen in ((viewer, (), 0), (steward, (), 2), (viewer, None, 2)):
        with tenant_context(organization.id, who.user_id, groups=groups):
            assert line_of(collection.id).queued == seen
    with tenant_context(organization.id, viewer.user_id, groups=()), pytest.raises(NothingToCancel):
        items_cancel(collection=collection)
    with tenant_context(other_organization.id):
        assert line_of(collection.id).queued == 0 and not ImportItem.objects.exists()


def test_costs_are_learned_by_format_and_size() -> None:
    assert cost_of([(100, 1.0)]) is None
    cost = cost_of([(1000, 1.0), (2000, 2.0), (3000, 3.0)])
    assert cost is not None
    assert cost.seconds(2000) == pytest.approx(2.0) and cost.seconds(40_000) > 10 > cost.seconds(10) > 0.5
    assert pace_of([(1.0, 2.0)] * 5) == 2.0 and pace_of([]) == 1.0 and pace_of([(1.0, 500.0)] * 3) == 20.0


def test_a_format_without_a_past_takes_the_others(organization: Any, collection: Collection) -> None:
    with tenant_context(organization.id):
        assert Costs().seconds("pdf", 10) == FIRST_SECONDS
        for number in range(3):
            ImportItem.objects.create(
                organization_id=organization.id,
                collection=collection,
                run_id=collection.id,
                position=number,
                name="x.md",
                path="x.md",
                format="md",
                size=1000,
                share=0.5,
                state=ItemState.READY,
                finished_at=timezone.now(),
            )
        assert Costs().seconds("md", 1000) == pytest.approx(0.5) == Costs().seconds("pdf", 1000)
