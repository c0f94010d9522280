"""A source of each kind on this machine: folders below an allowed root, a small S3 server, a small web server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.services import collection_create
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.knowledge.sources.services import SourceSpec, source_add, source_sync
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute

NURSING = "# 护理值班制度\n\n第一条 夜班护士每班不得少于两人。\n"
WASTE = "# 医疗废物管理办法\n\n第三条 医疗废物暂时贮存的时间不得超过2天。\n"


@pytest.fixture(autouse=True)
def _in_process(in_process: None) -> None:
    """For every test of this folder."""


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    """A folder that the operator opened to everybody."""
    folder = tmp_path / "shared"
    folder.mkdir()
    settings.SOURCE_FOLDERS = [("*", str(folder))]
    return folder


@pytest.fixture
def collection(organization: Any) -> Collection:
    with tenant_context(organization.id):
        return collection_create(name="制度")[0]


Add = Callable[..., Source]


@pytest.fixture
def add(organization: Any, collection: Collection, root: Path) -> Add:
    """``add(groups=[…])``: the folder as a source called 共享盘; settings and the rest may be given."""

    def run(**given: Any) -> Source:
        values: dict[str, Any] = {"name": "共享盘", "kind": "folder", "settings": {"root": str(root)}} | given
        with tenant_context(organization.id):
            return source_add(collection_id=collection.id, spec=SourceSpec(**values))

    return run


Sync = Callable[..., StageRun]


@pytest.fixture
def sync(organization: Any) -> Sync:
    """``sync(source)`` runs it here and gives the ended run."""

    def run(source: Source, **given: Any) -> StageRun:
        with tenant_context(organization.id):
            started = source_sync(source_id=source.id, **given)
        stage_run_execute(run_id=started.id, worker="test")
        with tenant_context(organization.id):
            return StageRun.objects.get(id=started.id)

    return run
