"""A folder is followed: new, changed, renamed and deleted files; rights; and nothing outside of the root."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.sources import services
from liaoyuan.knowledge.sources.errors import SourceExists, SourceInvalid, SourceNotAllowed
from liaoyuan.knowledge.sources.models import ItemState, Source, SourceItem, SourceState
from liaoyuan.knowledge.sources.opening import source_open
from liaoyuan.knowledge.sources.preview import source_preview
from liaoyuan.pipeline.models import RunState
from liaoyuan.pipeline.services import stage_run_execute
from tests.integration.knowledge_sources.conftest import NURSING, WASTE, Add, Sync


def names(organization: Any) -> dict[str, list[tuple[int, str]]]:
    with tenant_context(organization.id):
        rows = DocumentVersion.objects.select_related("document").order_by("number")
        found: dict[str, list[tuple[int, str]]] = {}
        for row in rows:
            found.setdefault(row.document.name, []).append((row.number, row.state))
        return found


def items(organization: Any, source: Source) -> dict[str, str]:
    with tenant_context(organization.id):
        return dict(SourceItem.objects.filter(source=source).values_list("key", "state"))


def counts(run: Any) -> dict[str, int]:
    assert run.state == RunState.SUCCEEDED, run.error
    return {key: value for key, value in run.result["counts"].items() if value}


def test_a_folder_is_followed_through_its_life(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    (root / "护理").mkdir()
    (root / "护理" / "值班.md").write_text(NURSING)
    for n in range(6):
        (root / f"{n}.md").write_text(WASTE + f"\n第{n}号\n")
    source = add()
    assert counts(sync(source)) == {"new": 7, "read": 7}
    assert names(organization)["共享盘/护理/值班.md"] == [(1, "in_force")]

    # Nothing changed: nothing is read.
    unchanged = sync(source)
    assert counts(unchanged) == {"unchanged": 7} and unchanged.result["reused"]

    # Touched only: read, the same bytes, no new version.
    os.utime(root / "0.md", (1, 1))
    assert counts(sync(source)) == {"changed": 1, "unchanged": 7}

    # Changed: a new version. Renamed: the same document. Deleted: its version ends today.
    (root / "护理" / "值班.md").write_text(NURSING.replace("两人", "三人"))
    (root / "1.md").rename(root / "护理" / "一号.md")
    (root / "2.md").unlink()
    assert counts(sync(source)) == {"changed": 1, "new": 1, "read": 1, "renamed": 1, "unchanged": 4, "gone": 1}
    found = names(organization)
    assert found["共享盘/护理/值班.md"] == [(1, "superseded"), (2, "in_force")]
    assert found["共享盘/护理/一号.md"] == [(1, "in_force")] and "共享盘/1.md" not in found
    assert found["共享盘/2.md"] == [(1, "withdrawn")]
    assert items(organization, source)["2.md"] == ItemState.GONE

    # It comes back with the same bytes: news.
    (root / "2.md").write_text(WASTE + "\n第2号\n")
    assert counts(sync(source))["read"] == 1
    assert names(organization)["共享盘/2.md"] == [(1, "withdrawn"), (2, "in_force")]


def test_links_pipes_and_what_lies_outside_are_never_read(
    organization: Any, add: Add, sync: Sync, root: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "geheim.md").write_text("# 机密\n\n不可外传的内容。\n")
    (root / "link.md").symlink_to(secret / "geheim.md")
    (root / "linked").symlink_to(secret)
    (tmp_path / "sharedtwin").mkdir()
    os.mkfifo(root / "pipe.md")
    (root / "ok.md").write_text(NURSING)
    source = add()
    run = sync(source)
    assert counts(run) == {"new": 1, "skipped": 3, "read": 1}
    assert set(names(organization)) == {"共享盘/ok.md"}
    with tenant_context(organization.id):
        connector = source_open(source)
    from liaoyuan.knowledge.sources.connector import Known
    from liaoyuan.knowledge.sources.errors import ItemUnsafe, SourceUnreachable

    for key in (
        "../secret/geheim.md",
        "/etc/passwd",
        "link.md",
        "linked/geheim.md",
        "a/../../secret/geheim.md",
        "pipe.md",
    ):
        with pytest.raises((ItemUnsafe, SourceUnreachable)):
            connector.fetch(key, Known(), tmp_path)


@pytest.mark.parametrize("path", ["../secret", "/../secret", "a/../../b", "a\\..\\b", "a\x00b"])
def test_a_path_that_climbs_is_refused(add: Add, root: Path, path: str) -> None:
    with pytest.raises(SourceInvalid):
        add(settings={"root": str(root), "path": path})


def test_only_what_the_operator_opened_to_this_organization_may_be_a_root(
    organization: Any, other_organization: Any, add: Add, root: Path, settings: Any, tmp_path: Path
) -> None:
    settings.SOURCE_FOLDERS = [(other_organization.name, str(root)), (str(organization.id), str(tmp_path))]
    for place in (str(root), "/", "/etc", str(root) + "/..", str(tmp_path) + "x"):
        with pytest.raises(SourceNotAllowed):
            add(settings={"root": place})
    add(settings={"root": str(tmp_path)})
    settings.SOURCE_FOLDERS = []
    with tenant_context(organization.id), pytest.raises(SourceNotAllowed):
        source_open(Source.objects.get())


def test_a_root_that_is_not_mounted_ends_nothing(
    organization: Any, add: Add, sync: Sync, root: Path, tmp_path: Path
) -> None:
    (root / "a.md").write_text(NURSING)
    source = add()
    sync(source)
    root.rename(tmp_path / "away")
    run = sync(source)
    assert run.state in {RunState.QUEUED, RunState.FAILED} and run.error["code"] == "source_unreachable"
    with tenant_context(organization.id):
        assert Source.objects.get().error["code"] == "source_unreachable"
    assert names(organization)["共享盘/a.md"] == [(1, "in_force")]


def test_an_empty_root_ends_nothing_until_a_person_says_so(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    for n in range(3):
        (root / f"{n}.md").write_text(f"# 第{n}号\n\n内容 {n} 各不相同。\n")
    source = add()
    sync(source)
    for n in range(3):
        (root / f"{n}.md").unlink()
    asking, again = sync(source), sync(source)
    assert counts(asking) == {"held": 3} == counts(again)
    assert (asking.result["asks"], again.result["asks"]) == (3, 0), "people are told once, not at every round"
    with tenant_context(organization.id):
        assert Source.objects.get().state == SourceState.CONFIRM
        assert DocumentVersion.objects.filter(state="in_force").count() == 3
        run = services.source_confirm(source_id=source.id)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        assert DocumentVersion.objects.filter(state="in_force").count() == 0
        assert Source.objects.get().state == SourceState.ACTIVE
        with pytest.raises(NotFound):
            services.source_confirm(source_id=source.id)


def test_a_folder_that_cannot_be_opened_keeps_its_documents(
    organization: Any, add: Add, sync: Sync, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "closed").mkdir()
    for n in range(4):
        (root / f"{n}.md").write_text(f"# 第{n}号\n\n内容 {n} 各不相同。\n")
    (root / "closed" / "a.md").write_text(NURSING)
    source = add()
    sync(source)
    real = os.open

    def refuse(path: Any, *rest: Any, **named: Any) -> int:
        if path == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **named)

    monkeypatch.setattr("liaoyuan.knowledge.sources.folder.os.open", refuse)
    assert counts(sync(source)) == {"unchanged": 4}
    assert items(organization, source)["closed/a.md"] == ItemState.READY


def test_rights_come_from_the_source_and_follow_it_without_reading_anew(
    organization: Any, add: Add, sync: Sync, root: Path
) -> None:
    (root / "财务").mkdir()
    (root / "财务" / "工资.md").write_text("# 工资\n\n夜班补贴为每班80元。\n")
    (root / "公开.md").write_text(NURSING)
    source = add(groups=["护理"], group_map=[{"folder": "财务", "groups": ["财务"]}])
    sync(source)

    def groups() -> dict[str, list[str]]:
        with tenant_context(organization.id):
            rows = Chunk.objects.select_related("version__document")
            return {row.version.document.name: row.groups for row in rows}

    assert groups() == {"共享盘/财务/工资.md": ["财务"], "共享盘/公开.md": ["护理"]}
    with tenant_context(organization.id):
        before = set(Chunk.objects.values_list("id", flat=True))
        Source.objects.update(groups=["医生"], group_map=[{"folder": "财务", "groups": ["院办", "财务"]}])
    assert counts(sync(source)) == {"unchanged": 2, "regrouped": 2}
    assert groups() == {"共享盘/财务/工资.md": ["财务", "院办"], "共享盘/公开.md": ["医生"]}
    with tenant_context(organization.id):
        assert set(Chunk.objects.values_list("id", flat=True)) == before


def test_the_owner_group_of_a_file_may_decide_who_reads(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    (root / "a.md").write_text(NURSING)
    gid = str((root / "a.md").stat().st_gid)
    sync(add(settings={"root": str(root), "owner_groups": {gid: "护理部"}}))
    with tenant_context(organization.id):
        assert DocumentVersion.objects.get().groups == ["护理部"]


def test_a_file_that_cannot_be_read_is_listed_with_its_reason_and_tried_again_on_request(
    organization: Any, add: Add, sync: Sync, root: Path
) -> None:
    (root / "broken.docx").write_bytes(b"PK\x03\x04 not a document")
    (root / "fine.md").write_text(NURSING)
    source = add()
    assert counts(sync(source)) == {"new": 2, "read": 1, "failed": 1}
    with tenant_context(organization.id):
        item = SourceItem.objects.get(key="broken.docx")
        assert item.state == ItemState.FAILED and item.error["zh"] and item.error["en"]
    assert counts(sync(source)) == {"unchanged": 2}
    with tenant_context(organization.id):
        run = services.source_retry(source_id=source.id)
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        assert Source.objects.get().counts["failed"] == 1


def test_new_versions_may_wait_for_a_person(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    (root / "a.md").write_text(NURSING)
    sync(add(as_draft=True))
    assert names(organization)["共享盘/a.md"] == [(1, "draft")]


@pytest.mark.parametrize(("gone", "left"), [("end", "withdrawn"), ("keep", "in_force"), ("erase", None)])
def test_what_becomes_of_a_deleted_file_is_the_sources_choice(
    organization: Any, add: Add, sync: Sync, root: Path, gone: str, left: str | None
) -> None:
    (root / "a.md").write_text(NURSING)
    (root / "b.md").write_text(WASTE)
    source = add(gone=gone)
    sync(source)
    (root / "a.md").unlink()
    assert counts(sync(source))["gone"] == 1
    found = names(organization)
    assert found.get("共享盘/a.md", [(1, None)])[0][1] == left
    assert found["共享盘/b.md"] == [(1, "in_force")]


def test_a_killed_run_goes_on_where_it_was(
    organization: Any, add: Add, sync: Sync, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        (root / f"{n}.md").write_text(f"# 第{n}号\n\n内容 {n} 各不相同。\n")
    source = add()
    from liaoyuan.knowledge.sources.bringing import Bringing

    finish, seen = Bringing.finish, []

    class Killed(BaseException):
        """As kill -9: nothing of ours is left to tidy up."""

    def dies(self: Bringing) -> None:
        if len(seen) == 1:
            raise Killed
        seen.append(self.item.key)
        finish(self)

    monkeypatch.setattr(Bringing, "finish", dies)
    with pytest.raises(Killed):
        sync(source)
    monkeypatch.setattr(Bringing, "finish", finish)
    from liaoyuan.pipeline.models import StageRun

    with tenant_context(organization.id):
        run = StageRun.objects.get(id=Source.objects.get().last_run_id)
        assert SourceItem.objects.filter(state=ItemState.PENDING).count() == 2
        # The reaper's part: the lease ran out, the run is queued again.
        StageRun.objects.filter(id=run.id).update(state=RunState.QUEUED, lease_until=None)
    stage_run_execute(run_id=run.id, worker="test")
    found = names(organization)
    assert len(found) == 3 and all(versions == [(1, "in_force")] for versions in found.values())


def test_a_long_listing_is_written_in_batches(
    organization: Any, add: Add, sync: Sync, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listing is a stream: no more than a batch of it is ever held, whatever the folder's size."""
    from liaoyuan.knowledge.sources import folder, listing
    from liaoyuan.knowledge.sources.connector import Entry
    from liaoyuan.knowledge.sources.errors import ItemUnsafe

    monkeypatch.setattr(listing, "BATCH", 50)
    sizes = []
    store = listing.batch_store

    def counted(source: Source, generation: int, batch: Any) -> Any:
        sizes.append(len(batch))
        return store(source, generation, batch)

    monkeypatch.setattr("liaoyuan.knowledge.sources.syncing.batch_store", counted)
    monkeypatch.setattr(
        folder.Folder, "entries", lambda _self: (Entry(f"{n}.lnk", "link", error=ItemUnsafe()) for n in range(420))
    )
    assert counts(sync(add())) == {"skipped": 420}
    assert max(sizes) == 50 and sum(sizes) == 420


def test_a_preview_says_what_would_change_and_changes_nothing(
    organization: Any, add: Add, sync: Sync, root: Path
) -> None:
    for n in range(3):
        (root / f"{n}.md").write_text(f"# 第{n}号\n\n内容 {n} 各不相同。\n")
    source = add()
    sync(source)
    (root / "0.md").write_text("# 新\n\n改过的内容更长一些。\n")
    (root / "1.md").unlink()
    (root / "neu.md").write_text(NURSING)
    with tenant_context(organization.id) as tenant:
        connector = source_open(source)
    before = items(organization, source)
    told = source_preview(tenant, source, connector)
    assert told.counts == {"changed": 1, "unchanged": 1, "new": 1, "gone": 1}
    assert told.names["gone"] == ["1.md"] and told.whole and not told.needs_confirmation
    assert items(organization, source) == before


def test_two_sources_never_share_a_document(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    for name in ("甲", "乙"):
        (root / name).mkdir()
        (root / name / "a.md").write_text(NURSING.replace("两", name))
        sync(add(name=name, settings={"root": str(root), "path": name}))
    assert set(names(organization)) == {"甲/a.md", "乙/a.md"}
    with pytest.raises(SourceExists):
        add(name="甲")


def test_an_archive_in_a_folder_becomes_its_documents(organization: Any, add: Add, sync: Sync, root: Path) -> None:
    shutil.make_archive(str(root / "包"), "zip", root_dir=_two(root.parent / "two"))
    (root / "b.md").write_text(WASTE)
    source = add()
    assert counts(sync(source)) == {"new": 2, "read": 2}
    assert set(names(organization)) == {"共享盘/包.zip/一.md", "共享盘/包.zip/二.md", "共享盘/b.md"}
    (root / "包.zip").unlink()
    sync(source)
    assert names(organization)["共享盘/包.zip/一.md"] == [(1, "withdrawn")]


def _two(folder: Path) -> Path:
    folder.mkdir()
    (folder / "一.md").write_text(NURSING)
    (folder / "二.md").write_text(WASTE)
    return folder
