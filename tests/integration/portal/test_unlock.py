"""A protected file on its page: who may import is asked for the password, others see only why it could not be read."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.models import AuditEvent, Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Document, DocumentVersion
from liaoyuan.knowledge.services import documents_import
from liaoyuan.pipeline.models import StageRun
from tests.integration.portal.test_documents import browser, stages
from tests.unit.knowledge_parse.files import protected_pdf

__all__ = ["stages"]

WORD = "kept-nowhere-5519"


@pytest.fixture
def page(owner: Member, tmp_path: Path) -> str:
    """The address of a protected document."""
    path = protected_pdf(tmp_path / "值班表.pdf", WORD)
    documents_import(organization_id=owner.organization_id, collection="制度", paths=[path])
    with tenant_context(owner.organization_id):
        return f"/documents/{Document.objects.get().id}/"


def test_the_page_asks_for_the_password_and_starts_reading(owner: Member, page: str, stages: None) -> None:
    window = browser(owner, "zh")
    shown = window.get(page).content.decode()
    assert "输入密码打开" in shown and 'autocomplete="off"' in shown
    wrong = window.post(
        f"{page}unlock", {"password": "guess"}, follow=True, headers={"Referer": f"http://testserver{page}"}
    ).content.decode()
    assert "密码不正确" in wrong and "输入密码打开" in wrong
    assert window.post(f"{page}unlock", {"password": WORD}).status_code == 302
    with tenant_context(owner.organization_id):
        run = StageRun.objects.get()
        assert run.stage == "ingest"
        told = f"{run.spec}{list(AuditEvent.objects.values())}{list(DocumentVersion.objects.values())}"
    assert WORD not in told
    assert "输入密码打开" not in window.get(page).content.decode()


def test_a_viewer_is_not_asked_and_may_not_open_it(viewer: Member, page: str, stages: None) -> None:
    window = browser(viewer, "zh")
    assert "输入密码打开" not in window.get(page).content.decode()
    window.post(f"{page}unlock", {"password": WORD})
    with tenant_context(viewer.organization_id):
        assert not StageRun.objects.exists()
        assert DocumentVersion.objects.get().error["code"] == "password_needed"


def test_a_stranger_gets_what_a_missing_document_gives(stranger: Member, page: str) -> None:
    window = browser(stranger)
    answers: list[Any] = [
        window.post(f"{path}unlock", {"password": WORD}) for path in (page, f"/documents/{uuid.uuid4()}/")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
