"""A real ASGI server on loopback, a real model server, and an application deployed over a small collection."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

GUIDELINE = """# 手卫生管理规定

第一条 医务人员在接触患者前后必须进行手卫生。

第二条 外科手消毒的揉搓时间不少于 3 分钟。

第三条 速干手消毒剂开启后的有效期为 30 天。
"""
SECRET = """# 院长办公室内部纪要

第一条 内部采购的密钥代号为“青松七号”。
"""


@dataclass(frozen=True)
class Server:
    """Where the platform answers."""

    url: str

    def client(self, key: str = "", **headers: str) -> httpx.Client:
        """A client with an API key, never through a proxy."""
        more = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=more | headers, trust_env=False, timeout=60)


@dataclass(frozen=True)
class Application:
    """One organization with a live route ``name``."""

    organization: Any
    owner: Any
    solution_id: uuid.UUID
    bundle_id: uuid.UUID
    deployment_id: uuid.UUID
    collection_id: uuid.UUID
    name: str


@pytest.fixture(scope="session")
def server(database: str) -> Iterator[Server]:
    """The whole ASGI application under uvicorn, in a thread of this process."""
    from liaoyuan.config.asgi import application

    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    found = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(found.serve()), daemon=True)
    thread.start()
    started = threading.Event()
    while not found.started and thread.is_alive():
        started.wait(0.05)
    port = found.servers[0].sockets[0].getsockname()[1]
    yield Server(f"http://127.0.0.1:{port}")
    found.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def model_server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real model server of this file's own; the embedder that a process keeps is made anew for it."""
    from django.conf import settings

    from liaoyuan.compute.engines.addresses import engine_addresses
    from liaoyuan.compute.engines.manager import engines_down, engines_up
    from liaoyuan.knowledge.adapters.embeddings import embedder

    addresses = engine_addresses(tmp_path_factory.mktemp("var"))
    engines_up(addresses, only=["model_server"])
    before = settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN
    settings.MODEL_SERVER_URL = addresses.model_server_url
    settings.MODEL_SERVER_TOKEN = addresses.model_server_token_file.read_text(encoding="utf-8")
    embedder.cache_clear()
    yield
    settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN = before
    embedder.cache_clear()
    engines_down(addresses, only=["model_server"])


@pytest.fixture(scope="module")
def deployed(model_server: None, tmp_path_factory: pytest.TempPathFactory) -> Application:
    """A guideline for everybody and a note for the group "board", imported for real and live under one route."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.services import documents_import
    from tests.conftest import _member, _organization

    organization = _organization("clinic")
    owner = _member(organization, "owner")
    folder = tmp_path_factory.mktemp("documents")
    for name, text, groups in (("手卫生管理规定.md", GUIDELINE, []), ("内部纪要.md", SECRET, ["board"])):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        outcomes = documents_import(
            organization_id=organization.id, collection="制度", paths=[path], groups=groups, user_id=owner.user_id
        )
        assert [outcome.state for outcome in outcomes] == ["ready"]
    with tenant_context(organization.id, owner.user_id):
        return _deploy(organization, owner)


def _deploy(organization: Any, owner: Any) -> Application:
    from liaoyuan.deployment.bundles import bundle_parts
    from liaoyuan.deployment.services import bundle_create, deployment_create, gate_report_create, route_point
    from liaoyuan.industry.selectors import industry_get
    from liaoyuan.knowledge.selectors import collection_by_name, version_artifacts
    from liaoyuan.pipeline.contract import ArtifactRef
    from liaoyuan.pipeline.services import solution_create

    pack = industry_get("medical")
    scenario = next(iter(pack.scenarios.values()))
    collection = collection_by_name("制度")
    solution, _ = solution_create(
        name="手卫生问答", industry="medical", scenario=scenario.name, collection_id=collection.id
    )
    parts = bundle_parts(
        pack=pack,
        scenario=scenario,
        collection_id=collection.id,
        documents=version_artifacts(collection.id),
        model_version=None,
        model="",
    )
    bundle = bundle_create(ref=ArtifactRef("bundle", uuid.uuid4()), solution_id=solution.id, parts=parts, groups=[])
    gate = {"name": "recall", "metric": "recall@5", "value": 1.0, "threshold": 0.8, "direction": "min", "passed": True}
    report = {"passed": True, "source": "pack", "questions": 30, "gates": [gate], "metrics": {"recall@5": 1.0}}
    gate_report_create(ref=ArtifactRef("gate_report", uuid.uuid4()), bundle_id=bundle.id, report=report)
    deployment = deployment_create(
        ref=ArtifactRef("deployment", uuid.uuid4()),
        bundle_id=bundle.id,
        solution_id=solution.id,
        approval={"by": str(owner.user_id)},
    )
    route_point(solution_id=solution.id, name="hand-hygiene", deployment_id=deployment.id)
    return Application(organization, owner, solution.id, bundle.id, deployment.id, collection.id, "hand-hygiene")


@pytest.fixture(scope="session")
def key_of() -> Callable[..., str]:
    """``key_of(member, "ask", …, days=1)`` makes an API key with these scopes (all of the role's if none are named)."""
    from liaoyuan.accounts.policy import POLICY
    from liaoyuan.accounts.services import api_key_create
    from liaoyuan.accounts.tenancy import tenant_context

    def make(member: Any, *scopes: str, days: int = 1) -> str:
        with tenant_context(member.organization_id, member.user_id):
            wanted = frozenset(scopes) or POLICY[member.role]
            return api_key_create(member=member, name="test", scopes=wanted, days=days)[1]

    return make


@pytest.fixture
def stages(database: str) -> Iterator[None]:
    """Every stage is a scripted one: these tests are about who may start runs, not about what they do."""
    from tests.stages import scripted_stages

    with scripted_stages():
        yield


@pytest.fixture
def path_of_upload(tmp_path: Path) -> Path:
    """A small file to upload."""
    path = tmp_path / "规定.md"
    path.write_text(GUIDELINE, encoding="utf-8")
    return path
