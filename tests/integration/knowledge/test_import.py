"""Documents come in: each file its own line, the same bytes once, a new content as a new version."""

import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.errors import NothingToImport, PathMissing
from liaoyuan.knowledge.models import Chunk, Document, DocumentVersion, VersionState
from liaoyuan.knowledge.parse.blocks import Block
from liaoyuan.knowledge.selectors import parsed_document, version_artifacts
from liaoyuan.knowledge.services import document_erase, documents_import
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.storage import storage
from tests.integration.knowledge.conftest import NURSING, WASTE, Ask, Import


def test_one_article_becomes_one_chunk_with_its_place(two_documents: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        chunk = Chunk.objects.get(locator="第三条")
    assert chunk.text == "第三条 医疗废物暂时贮存的时间不得超过2天。"
    assert chunk.heading_path == ["第二章 贮存"]
    assert chunk.title == "医疗废物管理办法"


def test_every_version_is_an_artifact_with_lineage_down_to_its_chunks(two_documents: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        version = DocumentVersion.objects.get(document__name="护理值班制度.md")
        edges = set(Lineage.objects.filter(parent_id=version.id).values_list("child_kind", "relation"))
        references = version_artifacts(version.document.collection_id)
        chunks = set(version.chunks.values_list("id", flat=True))
        children = set(Lineage.objects.filter(parent_id=version.id).values_list("child_id", flat=True))
        up = Lineage.objects.get(child_id=version.id)
    assert edges == {("chunk", "chunk_of")}
    assert children == chunks
    assert (up.parent_kind, up.parent_id) == ("document", version.document_id)
    reference = next(item for item in references if item.id == version.id)
    lines = storage().open_path(reference.uri).read_text(encoding="utf-8").splitlines()
    assert [Block.from_dict(json.loads(line)) for line in lines] == parsed_document(version).blocks


def test_the_same_bytes_again_change_nothing(bring: Import, organization: Any) -> None:
    bring({"护理值班制度.md": NURSING})
    again = bring({"护理值班制度.md": NURSING})
    assert (again[0].state, again[0].flags, again[0].version) == ("ready", ["unchanged"], 1)
    with tenant_context(organization.id):
        assert DocumentVersion.objects.count() == 1


def test_a_new_content_supersedes_the_old_and_only_the_new_is_found(bring: Import, ask: Ask, organization: Any) -> None:
    bring({"医疗废物管理办法.md": WASTE})
    bring({"医疗废物管理办法.md": WASTE.replace("不得超过2天", "不得超过1天")})
    answer = ask("医疗废物暂时贮存最多几天？")
    assert "1天" in answer.answer
    assert "2天" not in answer.answer
    with tenant_context(organization.id):
        states = dict(DocumentVersion.objects.values_list("number", "state"))
    assert states == {1: VersionState.SUPERSEDED, 2: VersionState.IN_FORCE}


def test_at_an_earlier_day_the_version_of_that_day_answers(bring: Import, ask: Ask) -> None:
    bring({"医疗废物管理办法(2020-01-01).md": WASTE})
    bring({"医疗废物管理办法(2024-01-01).md": WASTE.replace("不得超过2天", "不得超过1天")})
    assert "1天" in ask("医疗废物暂时贮存最多几天？").answer
    before = ask("医疗废物暂时贮存最多几天？", day=date(2022, 5, 1))
    assert "2天" in before.answer
    assert {citation.version for citation in before.citations} == {"2020-01-01"}
    assert ask("医疗废物暂时贮存最多几天？", day=date(2019, 1, 1)).abstained


def test_an_older_edition_that_comes_later_does_not_supersede(bring: Import, ask: Ask) -> None:
    bring({"医疗废物管理办法(2024-01-01).md": WASTE.replace("不得超过2天", "不得超过1天")})
    bring({"医疗废物管理办法(2020-01-01).md": WASTE})
    assert "1天" in ask("医疗废物暂时贮存最多几天？").answer


def test_one_broken_file_does_not_stop_the_rest(bring: Import, ask: Ask) -> None:
    outcomes = bring({"a坏文件.pdf": b"%PDF-1.7 broken", "b空.txt": b"", "护理值班制度.md": NURSING})
    assert [outcome.state for outcome in outcomes] == ["rejected", "rejected", "ready"]
    assert all(outcome.code and outcome.reason and outcome.reason_en for outcome in outcomes[:2])
    assert "30分钟" in ask("值班护士交班前多少分钟完成护理记录？").answer


def test_a_link_is_refused_and_its_target_is_not_read(organization: Any, engine: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("值班室密码是四个零。")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    outcomes = documents_import(organization_id=organization.id, collection="制度", paths=[folder], engine=engine)
    assert [(outcome.state, outcome.code) for outcome in outcomes] == [("rejected", "file_unsafe")]
    with tenant_context(organization.id):
        assert not Document.objects.exists()


def test_nothing_to_import_is_said_before_any_work(organization: Any, tmp_path: Path) -> None:
    with pytest.raises(NothingToImport):
        documents_import(organization_id=organization.id, collection="制度", paths=[tmp_path])
    with pytest.raises(PathMissing):
        documents_import(organization_id=organization.id, collection="制度", paths=[tmp_path / "none"])


def test_an_erased_document_is_gone_from_answers_tables_and_storage(
    two_documents: Any, ask: Ask, organization: Any
) -> None:
    with tenant_context(organization.id):
        document = Document.objects.get(name="医疗废物管理办法.md")
        keys = list(document.versions.values_list("source_key", "blocks_key"))
        receipt = document_erase(document_id=document.id)
        assert Chunk.objects.filter(title="医疗废物管理办法").count() == 0
    assert receipt.versions == 1
    assert receipt.chunks > 0
    assert not any(storage().exists(key) for pair in keys for key in pair)
    assert ask("医疗废物暂时贮存最多几天？").abstained


def test_versions_of_an_erased_document_id_are_strange_to_others(
    two_documents: Any, other_organization: Any, organization: Any
) -> None:
    from liaoyuan.errors import NotFound

    with tenant_context(organization.id):
        document = Document.objects.first()
    assert document is not None
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        document_erase(document_id=document.id)
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        document_erase(document_id=uuid.uuid4())
