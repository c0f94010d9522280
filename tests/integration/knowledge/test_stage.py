"""Ingestion is also a durable run: it reports, it resumes, it is known by its artifacts."""

from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import Artifact, RunState, StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start
from tests.integration.knowledge.conftest import NURSING

pytestmark = pytest.mark.usefixtures("in_process")


def ingest(organization: Any, paths: list[str]) -> StageRun:
    with tenant_context(organization.id):
        run = stage_run_start(stage=StageName.INGEST, spec={"collection": "制度", "paths": paths})
    stage_run_execute(run_id=run.id, worker="test")
    with tenant_context(organization.id):
        return StageRun.objects.get(id=run.id)


def test_an_ingest_run_registers_its_versions_and_a_second_one_reuses_them(organization: Any, tmp_path: Path) -> None:
    (tmp_path / "护理值班制度.md").write_text(NURSING)
    (tmp_path / "空.txt").write_bytes(b"")
    run = ingest(organization, [str(tmp_path)])
    assert run.state == RunState.SUCCEEDED
    assert (run.result["ready"], run.result["rejected"]) == (1, 1)
    with tenant_context(organization.id):
        version = DocumentVersion.objects.get(state="in_force")
        artifact = Artifact.objects.get(id=version.id)
    assert (artifact.kind, artifact.run_id) == ("document_version", run.id)
    (tmp_path / "空.txt").unlink()
    assert ingest(organization, [str(tmp_path)]).result["reused"]


def test_a_folder_that_is_not_there_fails_with_its_reason(organization: Any, tmp_path: Path) -> None:
    run = ingest(organization, [str(tmp_path / "nowhere")])
    assert run.state == RunState.FAILED
    assert run.error["code"] == "path_missing"
