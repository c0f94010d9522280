"""The evidence beside an answer: cited rows in their table, what may no longer be read, what was erased."""

from pathlib import Path

import pytest

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.services import document_erase, documents_import
from liaoyuan.portal.chat.marks import Table, words_of
from tests.integration.deployment.conftest import Clinic, chat, clinic, embeddings
from tests.integration.portal.test_chat import QUESTION, ask, browser, shown, someone

__all__ = ["chat", "clinic", "embeddings"]


@pytest.fixture
def reader(clinic: Clinic) -> Member:
    return someone(clinic.organization)


def test_a_cited_row_stands_below_the_names_of_its_columns(clinic: Clinic, reader: Member, tmp_path: Path) -> None:
    rows = [f"B-{number},{number}号断路器,{number}天" for number in range(11, 41)]
    path = tmp_path / "点检表.csv"
    path.write_text("\n".join(["编号,设备名称,点检周期", *rows]), encoding="utf-8")
    documents_import(organization_id=clinic.organization.id, collection="制度", paths=[path])
    window = browser(reader)
    answer = ask(window, clinic, "23号断路器的点检周期是多少天？")
    turn = shown(window, answer)
    (table,) = [line for line in turn.lines if isinstance(line, Table)]
    assert list(table.head) == ["编号", "设备名称", "点检周期"]
    assert [words_of(cell) for cell in table.rows[0]] == ["B-23", "23号断路器", "23天"]
    panel = window.get(turn.sources[0].address, headers={"HX-Request": "true"}).content.decode()
    for page in (panel, window.get(answer["Location"].split("#")[0]).content.decode()):
        head, body = page.split("<thead>")[1].split("</thead>")[:2]
        assert "点检周期</th>" in head and "23号断路器</td>" in body


def test_an_answer_is_withheld_once_its_reader_may_not_read_the_evidence_any_more(
    clinic: Clinic, reader: Member
) -> None:
    window = browser(reader)
    answer = ask(window, clinic, QUESTION)
    version = DocumentVersion.objects.filter(document__name="手卫生管理规定.md")
    with tenant_context(clinic.organization.id):
        version.update(groups=["board"])
        Chunk.objects.filter(version__in=version).update(groups=["board"])
    try:
        turn = shown(window, answer)
        page = window.get(answer["Location"].split("#")[0]).content.decode()
        assert turn.shape == "withheld" and "30 天" not in page
        panel = window.get(f"/chat/turns/{turn.id}/cited/1", headers={"HX-Request": "true"})
        assert "30 天" not in panel.content.decode() and "无权阅读" in panel.content.decode()
    finally:
        with tenant_context(clinic.organization.id):
            version.update(groups=[])
            Chunk.objects.filter(version__in=version).update(groups=[])


def test_the_source_of_an_erased_document_opens_with_a_sentence(clinic: Clinic, reader: Member, tmp_path: Path) -> None:
    path = tmp_path / "临时规定.md"
    path.write_text("# 临时规定\n\n第一条 感染科的探视时间为每天 15 点到 17 点。\n", encoding="utf-8")
    documents_import(organization_id=clinic.organization.id, collection="制度", paths=[path])
    window = browser(reader)
    answer = ask(window, clinic, "感染科的探视时间是几点？")
    turn = shown(window, answer)
    with tenant_context(clinic.organization.id, clinic.owner.user_id):
        version = DocumentVersion.objects.get(document__name="临时规定.md")
        document_erase(document_id=version.document_id)
    assert not shown(window, answer).sources[0].open
    panel = window.get(turn.sources[0].address, headers={"HX-Request": "true"})
    assert panel.status_code == 200 and "已于" in panel.context["evidence"].sentence
    plain = window.get(turn.sources[0].address)
    assert plain.status_code == 200 and "已于" in plain.content.decode()
