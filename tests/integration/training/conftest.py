"""Dataset versions as the data stage leaves them, and runs through the ledger."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import engines_down, engines_up
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import Artifact, StageRun
from liaoyuan.pipeline.services import stage_run_execute, stage_run_start
from liaoyuan.pipeline.storage import storage, storage_key
from tests.unit.training.tiny import conversations


@pytest.fixture
def dataset(organization: Any, tmp_path: Path) -> Callable[..., UUID]:
    """``dataset(rows)`` stores samples and registers their version; gives its id."""

    def make(rows: list[dict[str, Any]] | None = None, *, groups: tuple[str, ...] = ()) -> UUID:
        identifier = uuid4()
        path = tmp_path / "samples.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows or conversations(40)))
        key = storage_key(organization.id, "dataset_version", identifier, path.name)
        with tenant_context(organization.id):
            Artifact.objects.create(
                id=identifier,
                organization_id=organization.id,
                kind="dataset_version",
                name="colours",
                uri=key,
                sha256=storage().put(key, path),
                meta={"groups": list(groups)},
            )
        return identifier

    return make


Run = Callable[..., StageRun]


@pytest.fixture
def run(organization: Any, owner: Any) -> Run:
    """``run(dataset, **recipe)`` takes one training through the ledger and gives its row."""

    def go(dataset_id: UUID, **recipe: Any) -> StageRun:
        spec = {"training": recipe, "inputs": {"dataset_version": str(dataset_id)}}
        with tenant_context(organization.id, owner.user_id):
            started = stage_run_start(stage=StageName.TRAINING, spec=spec)
        stage_run_execute(run_id=started.id)
        with tenant_context(organization.id):
            return StageRun.objects.get(id=started.id)

    return go


@pytest.fixture
def no_server() -> Iterator[None]:
    """Nobody listens at the model server's address."""
    before, settings.MODEL_SERVER_URL = settings.MODEL_SERVER_URL, "http://127.0.0.1:9"
    yield
    settings.MODEL_SERVER_URL = before


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real model server for this session; its address."""
    addresses = engine_addresses(tmp_path_factory.mktemp("var"))
    engines_up(addresses, only=["model_server"])
    before = settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN
    settings.MODEL_SERVER_URL = addresses.model_server_url
    settings.MODEL_SERVER_TOKEN = addresses.model_server_token_file.read_text(encoding="utf-8")
    yield addresses.model_server_url
    settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN = before
    engines_down(addresses, only=["model_server"])
