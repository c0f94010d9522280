"""The page of a collection's index, and the files on their way, as each role finds them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Collection, DocumentVersion, SearchIndex
from liaoyuan.knowledge.questions import teaching
from liaoyuan.knowledge.questions.teaching import ranking_of
from liaoyuan.knowledge.rerank_endpoint import RerankEndpoint
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.services.reindexing import settings_change
from liaoyuan.knowledge.settings import settings_of, settings_read
from liaoyuan.knowledge.waiting.models import ImportItem, ItemState
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute

pytestmark = pytest.mark.usefixtures("in_process")

ASKED = {"embedder": "multilingual-e5-small", "limit": 120, "ocr": "auto", "pages": 3000, "swap": "person"}


@pytest.fixture(scope="module")
def engine() -> ProcessEmbedder:
    return ProcessEmbedder(threads=1)


@pytest.fixture
def collection(organization: Any, engine: ProcessEmbedder, tmp_path: Path) -> Collection:
    (tmp_path / "废物.md").write_text("# 废物\n\n第一条 暂存不得超过2天。\n\n第二条 标识应当醒目。")
    documents_import(organization_id=organization.id, collection="制度", paths=[tmp_path], engine=engine)
    with tenant_context(organization.id):
        return collection_by_name("制度")


@pytest.fixture
def browse() -> Callable[[Any], Client]:
    def sign_in(member: Any) -> Client:
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


def url(collection: Collection, *parts: str) -> str:
    return "/".join([f"/collections/{collection.id}/settings", *parts]) + ("" if parts else "/")


def generation(organization: Any, number: int) -> SearchIndex:
    with tenant_context(organization.id):
        return SearchIndex.objects.get(number=number)


def test_an_index_is_built_put_in_place_and_gone_back_from_by_hand(
    organization: Any, owner: Any, collection: Collection, browse: Any
) -> None:
    client = browse(owner)
    page = client.get(url(collection)).content.decode()
    assert "Generation 1" in page and "in use" in page and "Expected to take about" in page
    assert client.post(url(collection, "build"), ASKED | {"target": 60}).status_code == 302
    shadow = generation(organization, 2)
    assert "Stop" in client.get(url(collection, "live")).content.decode()
    stage_run_execute(run_id=UUID(str(shadow.run_id)), worker="test")
    page = client.get(url(collection)).content.decode()
    assert "ready, waits for you" in page and "not scored: no questions yet" in page and "Put it in place" in page
    assert client.post(url(collection, str(shadow.id), "swap")).status_code == 302
    page = client.get(url(collection)).content.decode()
    assert "Go back to it" in page and "Its storage is freed" in page
    client.post(url(collection, str(generation(organization, 1).id), "swap"))
    client.post(url(collection, str(shadow.id), "drop"))
    with tenant_context(organization.id):
        assert live_index(collection.id).number == 1
        assert list(SearchIndex.objects.values_list("number", flat=True)) == [1]


def test_a_value_that_cannot_be_is_told_beside_the_form(owner: Any, collection: Collection, browse: Any) -> None:
    client = browse(owner)
    for wrong in ({"target": 60, "limit": 5000}, {"target": 1}, {"target": 60, "embedder": "no-such-model"}):
        answer = client.post(url(collection, "build"), ASKED | wrong)
        assert answer.status_code == 422
    assert "at most" in client.post(url(collection, "build"), ASKED | {"target": 60, "limit": 5000}).content.decode()


def test_how_it_is_searched_changes_without_a_rebuild(
    organization: Any, owner: Any, collection: Collection, browse: Any
) -> None:
    asked = {"candidates": 80, "vector_weight": 2, "lexical_weight": 0.5, "reranker": "fusion", "context": 3000}
    assert browse(owner).post(url(collection, "search"), asked).status_code == 302
    assert browse(owner).post(url(collection, "search"), asked | {"candidates": 1}).status_code == 422
    nothing = {"vector_weight": 0, "lexical_weight": 0}
    assert browse(owner).post(url(collection, "search"), asked | nothing).status_code == 422
    with tenant_context(organization.id):
        now = settings_of(Collection.objects.get(id=collection.id).settings)
    assert (now.retrieval.candidates, now.retrieval.vector_weight, now.retrieval.lexical_weight) == (80, 2.0, 0.5)
    assert now.retrieval.context == 3000


def test_a_viewer_looks_and_changes_nothing_and_a_stranger_finds_nothing(
    viewer: Any, stranger: Any, collection: Collection, browse: Any
) -> None:
    seen = browse(viewer).get(url(collection))
    assert seen.status_code == 200
    assert "Generation 1" in seen.content.decode() and "Build beside it" not in seen.content.decode()
    for part in ("build", "search"):
        browse(viewer).post(url(collection, part), ASKED | {"target": 60, "candidates": 9})
        assert browse(stranger).post(url(collection, part), ASKED | {"target": 60}).status_code in (302, 404, 422)
    assert browse(stranger).get(url(collection)).status_code == 404
    with tenant_context(collection.organization_id):
        assert SearchIndex.objects.count() == 1
        assert Collection.objects.get(id=collection.id).settings == {}


def test_the_collections_page_lists_what_waits_and_people_act_on_it(
    organization: Any, owner: Any, viewer: Any, collection: Collection, browse: Any
) -> None:
    with tenant_context(organization.id):
        common = {"organization_id": organization.id, "collection": collection, "run_id": collection.id, "path": "/x"}
        for place, (name, state) in enumerate((("等.pdf", ItemState.QUEUED), ("坏.pdf", ItemState.REJECTED))):
            reason = {"reason_zh": "文件已损坏", "reason_en": "The file is damaged"} if place else {}
            ImportItem.objects.create(name=name, state=state, position=place, **common, **reason)
    client = browse(owner)
    page = client.get(f"/collections/{collection.id}/").content.decode()
    assert "等.pdf" in page and "The file is damaged" in page and "Try all of them again" in page
    assert client.post(f"/collections/{collection.id}/files/cancel").status_code == 302
    assert client.post(f"/collections/{collection.id}/files/retry").status_code == 302
    with tenant_context(organization.id):
        assert set(ImportItem.objects.values_list("state", flat=True)) == {ItemState.QUEUED}
    browse(viewer).post(f"/collections/{collection.id}/files/cancel")
    with tenant_context(organization.id):
        assert set(ImportItem.objects.values_list("state", flat=True)) == {ItemState.QUEUED}
    assert "等.pdf" not in browse(viewer).get(f"/collections/{collection.id}/").content.decode()


def test_the_reranker_and_its_fallback_are_chosen_here(
    organization: Any, owner: Any, collection: Collection, browse: Any, settings: Any
) -> None:
    settings.RERANKERS = (RerankEndpoint(name="bge-reranker", url="http://127.0.0.1:9"),)
    client = browse(owner)
    assert "bge-reranker" in client.get(url(collection)).content.decode()
    asked = {"candidates": 50, "vector_weight": 1, "lexical_weight": 1, "context": 1600, "fallback": "on"}
    asked["reranker"] = "bge-reranker"
    assert client.post(url(collection, "search"), asked).status_code == 302
    with tenant_context(organization.id):
        now = settings_of(Collection.objects.get(id=collection.id).settings).retrieval
    assert (now.reranker, now.fallback) == ("bge-reranker", True)
    shown = client.get(url(collection)).content.decode()
    assert "“bge-reranker” orders what is found here" in shown and "order in use" not in shown
    assert client.post(url(collection, "search"), asked | {"reranker": "nobody's"}).status_code == 422
    settings.RERANKERS = ()
    shown = client.get(url(collection)).content.decode()
    assert "bge-reranker" in shown, "what is in force is shown even when the operator took it away"


def test_the_learned_order_is_begun_shown_and_taken_back(
    organization: Any, owner: Any, viewer: Any, stranger: Any, collection: Collection, browse: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    client, learn, reset = browse(owner), url(collection, "ranking", "learn"), url(collection, "ranking", "reset")
    assert "at least 30" in client.post(learn, follow=True).content.decode(), "too few: what to do is said"
    monkeypatch.setattr(teaching, "LEAST", 1)
    assert client.post(learn).status_code == 302
    with tenant_context(organization.id):
        run = ranking_of(collection.id).last
        assert run is not None
    assert "being learned" in client.get(url(collection)).content.decode()
    told = {"stock": 0.5, "stock_interval": [0.4, 0.6], "learned": 0.8, "learned_interval": [0.7, 0.9],
            "difference": 0.3, "difference_interval": [0.2, 0.4]}  # fmt: skip
    result = {"kept": True, "questions": 41, "approved": 12, "folds": 5, "day": "2026-11-22", "generation": 1,
              "weights": {"title": 9.25}, "metrics": {"mrr": told, "recall@5": told}}  # fmt: skip
    with tenant_context(organization.id):
        StageRun.objects.filter(id=run.id).update(state=RunState.SUCCEEDED, result=result)
        settings_change(
            collection_id=collection.id, settings=settings_read({"retrieval": {"learned": result["weights"]}})
        )
    shown = browse(viewer).get(url(collection)).content.decode()
    assert "learned order in use" in shown and "41 questions, 12 of them" in shown and "9.25" in shown
    assert "(0.200 … 0.400)" in shown and "Learn again" not in shown
    for path in (learn, reset):
        browse(viewer).post(path)
        assert browse(stranger).post(path).status_code in (302, 404)
    with tenant_context(organization.id):
        assert ranking_of(collection.id).weights == {"title": 9.25}
    assert client.post(reset).status_code == 302
    with tenant_context(organization.id):
        assert ranking_of(collection.id).weights is None
    assert "built-in order in use" in client.get(url(collection, "ranking")).content.decode()


def older(organization: Any, name: str = "废物.md") -> None:
    """As a release left it that read before rules were counted."""
    with tenant_context(organization.id):
        assert DocumentVersion.objects.filter(document__name=name).update(parser=0)


def test_what_an_older_version_read_is_told_listed_and_read_again_with_one_press(
    organization: Any, owner: Any, collection: Collection, browse: Any
) -> None:
    client, home = browse(owner), f"/collections/{collection.id}/"
    assert "older version" not in client.get(home).content.decode().replace("Read by an older version</option>", "")
    assert "废物.md" not in client.get(f"{home}?state=older").content.decode()
    older(organization)
    page = client.get(home).content.decode()
    assert "1 document was read by an older version of the platform" in page and "Read them again" in page
    assert "废物.md" in client.get(f"{home}?state=older").content.decode()
    assert "1 read by an older version" in client.get("/collections/").content.decode()
    assert "Read them again" in client.get(url(collection)).content.decode()
    assert client.post(url(collection, "renew")).status_code == 302
    page = client.get(home).content.decode()
    assert "Generation 2 of the index was begun since" in page and "Read them again" not in page
    shadow = generation(organization, 2)
    stage_run_execute(run_id=UUID(str(shadow.run_id)), worker="test")
    client.post(url(collection, str(shadow.id), "swap"))
    assert "was read by an older version" not in client.get(home).content.decode()
    assert client.post(url(collection, "renew"), follow=True).status_code == 200, "nothing to do is said, not an error"
    with tenant_context(organization.id):
        assert SearchIndex.objects.count() == 2


def test_who_may_not_build_is_not_asked_to(
    organization: Any, viewer: Any, stranger: Any, collection: Collection, browse: Any
) -> None:
    older(organization)
    page = browse(viewer).get(f"/collections/{collection.id}/").content.decode()
    assert "Read them again" not in page and "read by an older version" in page
    assert browse(viewer).post(url(collection, "renew")).status_code in (302, 403)
    assert browse(stranger).post(url(collection, "renew")).status_code == 404
    with tenant_context(organization.id):
        assert SearchIndex.objects.count() == 1


def test_a_file_that_asks_for_its_password_is_not_offered_to_be_tried_again(
    organization: Any, owner: Any, collection: Collection, browse: Any
) -> None:
    with tenant_context(organization.id):
        version = DocumentVersion.objects.get(document__name="废物.md")
        told = {"code": "password_needed", "reason_zh": "受密码保护", "reason_en": "It is protected."}
        _refused(organization, collection, version_id=version.id, **told)
    page = browse(owner).get(f"/collections/{collection.id}/").content.decode()
    section = page.split('class="waiting"')[1].split("</section>")[0]
    assert "Files that did not get in" in section and f"/documents/{version.document_id}/" in section
    assert "Enter the password" in section and ">Try again<" not in section


def _refused(organization: Any, collection: Collection, **more: Any) -> None:
    ImportItem.objects.create(
        organization_id=organization.id, collection=collection, run_id=uuid4(), position=0, path="/nowhere/a.pdf",
        name="a.pdf", format="pdf", size=9, state=ItemState.REJECTED, **more,
    )  # fmt: skip
