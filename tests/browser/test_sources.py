"""Versions and sources in a real browser: looked at, decided by a person, followed by a run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.library import Library, library_make
from tests.browser.looks import look

OLD = (
    "# 护理值班制度\n\n第一条 夜班护士每班不得少于两人。\n\n第二条 值班护士应当在交班前30分钟完成护理记录。\n\n"
    "第三条 本条将在新版中删除，因为设备已经更换。\n\n| 科室 | 人数 |\n| --- | --- |\n| 内科 | 2 |\n| 外科 | 3 |\n\n"
    "第四条 护士长每周检查一次护理记录并签字。\n"
)
NEW = (
    "# 护理值班制度\n\n第四条 护士长每周检查一次护理记录并签字。\n\n第一条 夜班护士每班不得少于三人。\n\n"
    "第二条 值班护士应当在交班前15分钟完成护理记录。\n\n| 科室 | 人数 |\n| --- | --- |\n| 内科 | 4 |\n| 外科 | 3 |\n"
    "| 儿科 | 2 |\n\n第五条 节假日另行排班。\n"
)


@dataclass
class Made:
    library: Library
    document_id: str
    collection_id: str
    source_id: str
    root: str


@pytest.fixture(scope="module")
def made(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    yield in_thread(lambda: _make(tmp_path_factory))


def _make(folders: pytest.TempPathFactory) -> Made:
    from django.conf import settings

    from liaoyuan.accounts.models import User
    from liaoyuan.accounts.resolver import memberships_of_users
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.facts import DocumentFacts
    from liaoyuan.knowledge.services import documents_import
    from liaoyuan.knowledge.sources.services import SourceSpec, source_add, source_sync
    from liaoyuan.pipeline.services import stage_run_execute

    library = library_make(PASSWORD, folders.mktemp("library"))
    user = User.objects.get(email=library.email)
    who = next(iter(memberships_of_users({user.pk})))
    files = folders.mktemp("versions")
    for name, text, draft in (
        ("护理值班制度(2024-01-01).md", OLD, False), ("护理值班制度.md", NEW, True),
    ):  # fmt: skip
        (files / name).write_text(text)
        facts = {name: DocumentFacts(document="护理值班制度.md", draft=draft)}
        (outcome,) = documents_import(
            organization_id=who.organization_id, collection="值班", paths=[files / name], facts=facts
        )
    root = folders.mktemp("shared")
    settings.SOURCE_FOLDERS = [("*", str(root))]
    (root / "护理").mkdir()
    (root / "护理" / "值班.md").write_text(OLD)
    (root / "损坏.docx").write_bytes(b"PK\x03\x04 damaged")
    with tenant_context(who.organization_id, user.pk):
        from liaoyuan.knowledge.selectors import collection_by_name

        collection = collection_by_name("值班")
        spec = SourceSpec(
            name="共享盘", kind="folder", settings={"root": str(root)}, every_minutes=60, groups=["护理"],
            group_map=[{"folder": "护理", "groups": ["护理部"]}],
        )  # fmt: skip
        source = source_add(collection_id=collection.id, spec=spec)
        run = source_sync(source_id=source.id)
    stage_run_execute(run_id=run.id, worker="test")
    return Made(library, outcome.document_id, str(collection.id), str(source.id), str(root))


@pytest.fixture
def signed_in(visit: Callable[..., Visit], made: Made) -> Visit:
    window = visit(1280, "en-US")
    window.enter(made.library.email)
    return window


def test_the_versions_page_is_looked_at(signed_in: Visit, made: Made) -> None:
    look(signed_in, f"/documents/{made.document_id}/versions/", "versions")


def test_the_sources_pages_are_looked_at(signed_in: Visit, made: Made) -> None:
    two: Any = [(1280, "zh-CN", "light"), (375, "en-US", "dark")]
    look(signed_in, f"/collections/{made.collection_id}/sources/", "sources", looks=two)
    look(signed_in, f"/sources/{made.source_id}/", "source", looks=two)
    look(signed_in, f"/collections/{made.collection_id}/sources/new/folder", "source-new", looks=two[:1])


def test_a_person_puts_a_draft_in_force_after_seeing_what_happens(signed_in: Visit, made: Made) -> None:
    page = signed_in.page
    signed_in.go(f"/documents/{made.document_id}/versions/")
    page.get_by_role("button", name="Put in force…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="See what happens").click()
    page.get_by_role("heading", name="Put version 2 in force?").wait_for()
    page.get_by_role("button", name="Put in force").click()
    page.get_by_text("The versions have new days").wait_for()
    expect(page.get_by_role("cell", name="In force now", exact=True)).to_have_count(1)


def test_a_person_adds_a_source_by_keyboard_and_sees_its_items(signed_in: Visit, made: Made, tmp_path: Path) -> None:
    page = signed_in.page
    signed_in.go(f"/collections/{made.collection_id}/sources/new/folder")
    page.get_by_label("Name", exact=True).fill("第二来源")
    page.get_by_label("Folder below it").fill("护理")
    page.get_by_role("button", name="Test the connection").press("Enter")
    page.get_by_text("Connected: 1 files").wait_for()
    page.get_by_role("button", name="Add and read").press("Enter")
    page.get_by_role("heading", name="第二来源").wait_for()
    page.get_by_role("link", name="What would change?").click()
    page.get_by_text("Would be read for the first time").wait_for()
