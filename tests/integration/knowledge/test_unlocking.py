"""A protected file waits for its password: given by a steward or by the command, it is read, and nothing keeps it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.errors import NothingToUnlock
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.parse.errors import PasswordWrong
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.services.unlocking import files_unlock, is_locked, version_unlock
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.storage import storage
from tests.unit.knowledge_parse.files import protected_pdf

pytestmark = pytest.mark.usefixtures("in_process")

SECRET = "kept-nowhere-7731"


@pytest.fixture
def locked(organization: Any, tmp_path: Path, engine: Any) -> Any:
    """One refused outcome of a protected PDF."""
    path = protected_pdf(tmp_path / "值班表.pdf", SECRET)
    (outcome,) = documents_import(organization_id=organization.id, collection="制度", paths=[path], engine=engine)
    assert (outcome.state, outcome.code) == ("rejected", "password_needed")
    return outcome


def version_of(organization: Any, outcome: Any) -> DocumentVersion:
    return DocumentVersion.objects.select_related("document__collection").get(id=outcome.version_id)


def test_the_right_password_starts_the_import_and_a_wrong_one_changes_nothing(organization: Any, locked: Any) -> None:
    with tenant_context(organization.id):
        version = version_of(organization, locked)
        with pytest.raises(PasswordWrong):
            version_unlock(version=version, password="guess")
        assert is_locked(version_of(organization, locked))
        run = version_unlock(version=version, password=SECRET)
        stored = version_of(organization, locked)
        assert b"Encrypt" not in storage().open_path(stored.source_key).read_bytes()
        kept = json.dumps(
            [StageRun.objects.get(id=run.id).spec, list(AuditEvent.objects.values("detail"))], default=str
        )
        assert SECRET not in kept
        with pytest.raises(NothingToUnlock):
            version_unlock(version=stored, password=SECRET)


def test_the_import_tries_each_password_and_keeps_one_document(organization: Any, locked: Any) -> None:
    (outcome,) = files_unlock(
        organization_id=organization.id, collection="制度", outcomes=[locked], passwords=["no", SECRET]
    )
    assert (outcome.state, outcome.document_id, outcome.version) == ("ready", locked.document_id, 1)
    assert outcome.chunks > 0


def test_without_the_right_password_the_line_says_so(organization: Any, locked: Any) -> None:
    (outcome,) = files_unlock(organization_id=organization.id, collection="制度", outcomes=[locked], passwords=["no"])
    assert (outcome.state, outcome.code) == ("rejected", "password_wrong")


def test_the_command_reads_passwords_from_a_file(organization: Any, tmp_path: Path, capsys: Any, engine: Any) -> None:
    path = protected_pdf(tmp_path / "预案.pdf", SECRET)
    (tmp_path / "words").write_text(f"first\n{SECRET}\n", encoding="utf-8")
    options = ["--organization", organization.name, "--collection", "预案", "--password-file", str(tmp_path / "words")]
    call_command("knowledge", "import", str(path), *options, "--json")
    answer = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert [file["state"] for file in answer["files"]] == ["ready"]
