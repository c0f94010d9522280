"""The page of a collection's index and the files on their way, looked at in a real browser."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visit, in_thread
from tests.browser.looks import look

TWO = [(1280, "zh-CN", "light"), (375, "en-US", "dark")]
TEXT = "# 医疗废物管理办法\n\n第一条 医疗废物暂时贮存的时间不得超过2天。\n\n第二条 贮存设施应当有明显的警示标识。\n"


@dataclass(frozen=True)
class House:
    email: str
    collection_id: uuid.UUID
    older_id: uuid.UUID


@pytest.fixture(scope="module")
def house(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> House:
    return in_thread(lambda: _house(tmp_path_factory.mktemp("index")))


def _house(folder: Path) -> House:
    """One collection with three generations (one scored, one stopped) and files in every state of waiting."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.questions.services import question_add
    from liaoyuan.knowledge.selectors import collection_by_name
    from liaoyuan.knowledge.services import documents_import
    from liaoyuan.knowledge.services.reindexing import reindex_start
    from liaoyuan.knowledge.settings import settings_read
    from liaoyuan.pipeline.models import RunState, StageRun
    from liaoyuan.pipeline.services import stage_run_execute
    from tests.browser.library import _owner

    organization, owner = _owner(PASSWORD, "索引医院")
    (folder / "医疗废物管理办法.md").write_text(TEXT, encoding="utf-8")
    documents_import(organization_id=organization.id, collection="制度", paths=[folder], user_id=owner.user_id)
    with tenant_context(organization.id, owner.user_id):
        collection = collection_by_name("制度")
        for question, place in (("医疗废物最多贮存几天？", "第一条"), ("贮存设施要有什么？", "第二条")):
            question_add(collection_id=collection.id, question=question, evidence=[f"医疗废物管理办法#{place}"])
        scored = reindex_start(collection_id=collection.id, settings=settings_read({"chunking": {"target": 60}}))
    stage_run_execute(run_id=uuid.UUID(str(scored.run_id)), worker="test")
    with tenant_context(organization.id, owner.user_id):
        stopped = reindex_start(collection_id=collection.id, settings=settings_read({"parser": {"ocr": "always"}}))
        StageRun.objects.filter(id=stopped.run_id).update(state=RunState.CANCELLED)
        _waiting(collection, owner)
        _learned(collection)
    return House(owner.user.email, collection.id, _older(organization, owner, folder))


def _older(organization: Any, owner: Any, folder: Path) -> uuid.UUID:
    """A collection of which an older release read one document, and whose last build failed."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.errors import EmbedderRefused
    from liaoyuan.knowledge.models import DocumentVersion, IndexState, SearchIndex
    from liaoyuan.knowledge.selectors import collection_by_name
    from liaoyuan.knowledge.services import documents_import
    from liaoyuan.knowledge.services.reindexing import reindex_start
    from liaoyuan.knowledge.settings import settings_read
    from liaoyuan.pipeline.models import RunState, StageRun

    (folder / "手卫生制度.md").write_text("# 手卫生制度\n\n第一条 洗手不少于40秒。\n", encoding="utf-8")
    documents_import(organization_id=organization.id, collection="旧制度", paths=[folder], user_id=owner.user_id)
    with tenant_context(organization.id, owner.user_id):
        collection = collection_by_name("旧制度")
        old = DocumentVersion.objects.filter(document__collection_id=collection.id, file_name="手卫生制度.md")
        assert old.update(parser=0) == 1
        made = reindex_start(collection_id=collection.id, settings=settings_read({"chunking": {"target": 80}}))
        error = EmbedderRefused(name="bge-m3", detail="HTTP 401")
        told = {"code": error.code, "zh": error.sentence("zh"), "en": error.sentence("en")}
        SearchIndex.objects.filter(id=made.id).update(state=IndexState.FAILED, error=told, embedder="bge-m3")
        StageRun.objects.filter(id=made.run_id).update(state=RunState.FAILED, error=told)
        return collection.id


def _learned(collection: Any) -> None:
    """An order of the collection's own in use, as its run noted it; learning itself is tested beside the questions."""
    from liaoyuan.knowledge.questions.teaching import LEARN
    from liaoyuan.knowledge.rank import stock_weights
    from liaoyuan.knowledge.services.reindexing import settings_change
    from liaoyuan.knowledge.settings import settings_of
    from liaoyuan.pipeline.contract import StageName
    from liaoyuan.pipeline.models import RunState, StageRun
    from liaoyuan.pipeline.services import stage_run_start

    spec = {"task": LEARN, "collection": collection.name, "collection_id": str(collection.id)}
    run = stage_run_start(stage=StageName.EVALUATE, spec=spec)
    weights = stock_weights() | {"title": 3.25, "sentence": 0.4}
    mrr = {"stock": 0.612, "stock_interval": [0.541, 0.683], "learned": 0.731, "learned_interval": [0.662, 0.795],
           "difference": 0.119, "difference_interval": [0.058, 0.181]}  # fmt: skip
    result = {"kept": True, "questions": 96, "approved": 41, "folds": 5, "day": "2026-11-22", "generation": 1,
              "weights": weights, "metrics": {"mrr": mrr, "recall@5": mrr}}  # fmt: skip
    StageRun.objects.filter(id=run.id).update(state=RunState.SUCCEEDED, progress=1.0, result=result)
    now = settings_of(type(collection).objects.get(id=collection.id).settings)
    learned = now.retrieval.model_copy(update={"learned": weights})
    settings_change(collection_id=collection.id, settings=now.model_copy(update={"retrieval": learned}))


def _waiting(collection: Any, owner: Any) -> None:
    from django.utils import timezone

    from liaoyuan.knowledge.waiting.models import ImportItem, ItemState
    from liaoyuan.pipeline.contract import StageName
    from liaoyuan.pipeline.models import RunState, StageRun
    from liaoyuan.pipeline.services import stage_run_start

    now = timezone.now()
    spec = {"collection": collection.name, "collection_id": str(collection.id), "paths": []}
    run = stage_run_start(stage=StageName.INGEST, spec=spec)
    lease = now + timedelta(hours=1)
    StageRun.objects.filter(id=run.id).update(state=RunState.RUNNING, started_at=now, lease_until=lease, progress=0.2)
    damaged = {
        "code": "corrupt",
        "reason_zh": "文件已损坏，无法打开。请重新导出后上传。",
        "reason_en": "The file is damaged.",
    }
    rows: list[tuple[str, Any, dict[str, Any]]] = [
        ("护理/护理分级制度.pdf", ItemState.EMBEDDING, {}),
        ("护理/值班与交接班制度.docx", ItemState.QUEUED, {}),
        ("院感/2026年第三季度医院感染暴发应急处置演练总结报告（终稿）.pdf", ItemState.QUEUED, {}),
        ("旧档案.pdf", ItemState.REJECTED, damaged),
    ]
    for place, (name, state, more) in enumerate(rows):
        ImportItem.objects.create(
            organization_id=collection.organization_id,
            collection=collection,
            run_id=run.id,
            requested_by=owner.user_id,
            position=place,
            path=f"/nowhere/{name}",
            name=name,
            format="pdf",
            size=380_000 + 91_000 * place,
            state=state,
            expected_seconds=30,
            finished_at=now if more else None,
            **more,
        )


@pytest.fixture
def window(visit: Callable[..., Visit], house: House) -> Visit:
    found = visit(1280, "zh-CN")
    found.enter(house.email)
    return found


def test_the_index_page_is_looked_at(house: House, window: Visit) -> None:
    look(window, f"/collections/{house.collection_id}/settings/", "index-settings", looks=TWO)


def test_the_files_on_their_way_are_looked_at(house: House, window: Visit) -> None:
    look(window, f"/collections/{house.collection_id}/", "index-waiting", looks=TWO)


def test_a_generation_is_put_in_place_with_one_press_and_taken_back_with_another(house: House, window: Visit) -> None:
    window.go(f"/collections/{house.collection_id}/settings/")
    window.page.get_by_role("button", name="启用").click()
    live = window.page.locator(".generation.is-live")
    expect(live).to_contain_text("第 2 代")
    window.page.get_by_role("button", name="回退到这一代").click()
    expect(live).to_contain_text("第 1 代")


def test_the_tab_that_one_is_in_is_in_sight_on_a_phone(house: House, visit: Callable[..., Visit]) -> None:
    seen = visit(375, "en-US", "light")
    seen.login(house.email)

    seen.go(f"/collections/{house.collection_id}/settings/")

    expect(seen.page.locator(".tabs > [aria-current=page]")).to_be_in_viewport(ratio=0.95)


def test_what_an_older_version_read_is_looked_at_beside_a_build_that_failed(house: House, window: Visit) -> None:
    look(window, f"/collections/{house.older_id}/", "index-older", looks=TWO)
    look(window, f"/collections/{house.older_id}/settings/", "index-failed", looks=TWO)


def test_the_older_documents_are_shown_alone_and_read_again_with_one_press(house: House, window: Visit) -> None:
    window.go(f"/collections/{house.older_id}/")
    window.page.get_by_role("link", name="查看", exact=True).click()
    rows = window.page.locator(".files tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("手卫生制度.md")
    window.page.get_by_role("button", name="全部重新解析").click()
    built = window.page.locator(".generation").first
    expect(built).to_contain_text("第 3 代")
    window.go(f"/collections/{house.older_id}/")
    expect(window.page.locator("#collection-live .alert")).to_contain_text("第 3 代")


def test_a_dropped_generation_leaves_a_page_that_says_so(house: House, window: Visit) -> None:
    window.go(f"/collections/{house.older_id}/settings/")
    failed = window.page.locator(".generation", has_text="第 2 代")
    failed.get_by_role("button", name="移除").click()
    window.page.locator("#confirm").get_by_role("button", name="确定").click()
    expect(window.page.locator(".generation", has_text="第 2 代")).to_have_count(0)
