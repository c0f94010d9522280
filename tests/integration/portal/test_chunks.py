"""The desk on which people edit chunks: without JavaScript, with conflicts told, closed to who may not edit."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.edits.groups import chunk_tag
from liaoyuan.knowledge.edits.selectors import live_chunks
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.portal.documents.pages import quote_leaf
from tests.integration.knowledge.conftest import WASTE, Import, bring, engine

__all__ = ["bring", "engine"]


@pytest.fixture(autouse=True)
def embedding_here(settings: Any, monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    """The services find the engine by name; here it works in this process."""
    from liaoyuan.knowledge.services import editing

    monkeypatch.setattr(editing, "embedder_for", lambda _name: engine)


@pytest.fixture
def version(organization: Any, bring: Import) -> DocumentVersion:
    bring({"医疗废物管理办法.md": WASTE})
    with tenant_context(organization.id):
        return DocumentVersion.objects.select_related("document").get()


def signed_in(member: Any) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def chunk_with(organization: Any, version: DocumentVersion, words: str) -> Chunk:
    with tenant_context(organization.id):
        return next(chunk for chunk in live_chunks(version) if words in chunk.text)


def post(client: Client, version: DocumentVersion, chunk: Chunk, verb: str, **data: Any) -> Any:
    return client.post(reverse("chunk_change", args=[version.document_id, chunk.id, verb]), data)


def test_the_forms_do_all_of_it_without_javascript(organization: Any, owner: Any, version: DocumentVersion) -> None:
    client = signed_in(owner)
    chunk = chunk_with(organization, version, "2天")
    page = reverse("chunks", args=[version.document_id])
    assert "不得超过2天" in client.get(page).content.decode()
    form = client.get(page, {"chunk": chunk.id, "do": "edit"}).content.decode()
    assert chunk_tag(chunk) in form
    done = post(client, version, chunk, "edit", text="第三条 暂存不得超过48小时。", tag=chunk_tag(chunk))
    shown = client.get(done["Location"]).content.decode()
    assert "48小时" in shown and "<ins" in shown
    assert "2天" in client.get(page, {"chunk": chunk.id, "do": "history"}).content.decode()
    post(client, version, chunk, "disable")
    assert "is-off" in client.get(page, {"show": "disabled"}).content.decode()
    post(client, version, chunk, "restore")
    assert chunk_with(organization, version, "2天").enabled


def test_every_cut_of_the_split_form_is_a_button(organization: Any, owner: Any, version: DocumentVersion) -> None:
    client = signed_in(owner)
    chunk = chunk_with(organization, version, "第四条")
    form = client.get(reverse("chunks", args=[version.document_id]), {"chunk": chunk.id, "do": "split"})
    position = chunk.text.index("（二）")
    assert f'name="position" value="{position}"' in form.content.decode()
    post(client, version, chunk, "split", position=position, tag=chunk_tag(chunk))
    assert chunk_with(organization, version, "（二）").text.startswith("（二）")


def test_the_second_editor_keeps_his_text_and_sees_the_firsts(
    organization: Any, owner: Any, steward: Any, version: DocumentVersion
) -> None:
    chunk = chunk_with(organization, version, "2天")
    post(signed_in(owner), version, chunk, "edit", text="第一位的文字。", tag=chunk_tag(chunk))
    answer = post(signed_in(steward), version, chunk, "edit", text="第二位的文字。", tag=chunk_tag(chunk))
    assert answer.status_code == 412
    shown = answer.content.decode()
    assert "第一位的文字。" in shown and "第二位的文字。" in shown
    assert chunk_with(organization, version, "第一位").text == "第一位的文字。"


def test_the_text_for_a_chunk_that_is_gone_stays_on_the_page(
    organization: Any, owner: Any, version: DocumentVersion
) -> None:
    client, chunk = signed_in(owner), chunk_with(organization, version, "第二条")
    post(client, version, chunk_with(organization, version, "第一条"), "merge")
    answer = post(client, version, chunk, "edit", text="我写了很久的文字。", tag=chunk_tag(chunk))
    assert answer.status_code == 409
    assert "我写了很久的文字。" in answer.content.decode()


def test_other_editors_are_noticed_by_the_tags(organization: Any, owner: Any, version: DocumentVersion) -> None:
    client, chunk = signed_in(owner), chunk_with(organization, version, "2天")
    address = reverse("chunks_state", args=[version.document_id])
    before = client.get(address).json()["tags"]
    assert before[str(chunk.id)] == chunk_tag(chunk)
    post(client, version, chunk, "disable")
    assert client.get(address).json()["tags"][str(chunk.id)] != chunk_tag(chunk)


def test_a_viewer_may_not_and_a_stranger_finds_nothing(
    organization: Any, viewer: Any, stranger: Any, version: DocumentVersion
) -> None:
    chunk = chunk_with(organization, version, "2天")
    page = reverse("chunks", args=[version.document_id])
    assert signed_in(viewer).get(page).status_code == 403
    assert signed_in(stranger).get(page).status_code == 404
    assert post(signed_in(stranger), version, chunk, "disable").status_code == 404
    post(signed_in(viewer), version, chunk, "disable")
    assert chunk_with(organization, version, "2天").enabled


def test_a_preview_shows_figures_and_the_chunks_of_a_page(
    organization: Any, owner: Any, version: DocumentVersion
) -> None:
    client = signed_in(owner)
    address = reverse("chunks_preview", args=[version.document_id])
    assert "不得超过2天" in client.get(address, {"target": 40, "limit": 64}).content.decode()
    refused = client.get(address, {"target": 400, "limit": 64})
    assert refused.status_code == 200
    assert 'role="alert"' in refused.content.decode()
    assert client.get(address, {"page": 99}).status_code == 404


def test_the_source_of_a_quote_says_who_edited_its_words(
    organization: Any, owner: Any, version: DocumentVersion
) -> None:
    chunk = chunk_with(organization, version, "2天")
    post(signed_in(owner), version, chunk, "edit", text=chunk.text + "冷藏保存于五度以下。")
    with tenant_context(organization.id):
        edited = quote_leaf(version, chunk_id=chunk.id, quote="冷藏保存于五度以下。", page=1)
        literal = quote_leaf(version, chunk_id=chunk.id, quote="时间不得超过2天", page=1)
    assert edited.edit is not None and edited.edit.author and not edited.edit.literal
    assert literal.edit is not None and literal.edit.literal
