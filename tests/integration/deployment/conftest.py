"""An application over a small collection, deployed by the real services; embeddings are made in this process."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import settings as django_settings

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.bundles import bundle_parts
from liaoyuan.deployment.models import Deployment
from liaoyuan.deployment.selectors import deployment_get
from liaoyuan.deployment.services import bundle_create, deployment_create, route_point
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.adapters.embeddings import embedder
from liaoyuan.knowledge.selectors import collection_by_name, version_artifacts
from liaoyuan.knowledge.services import documents_import
from liaoyuan.pipeline.contract import ArtifactRef
from liaoyuan.pipeline.services import solution_create
from tests.conftest import _member, _organization

DOCUMENTS = {
    "手卫生管理规定.md": "# 手卫生管理规定\n\n第一条 医务人员在接触患者前后必须进行手卫生。\n\n"
    "第二条 外科手消毒的揉搓时间不少于 3 分钟。\n\n第三条 速干手消毒剂开启后的有效期为 30 天。\n",
    "hand-hygiene.md": "# Hand hygiene policy\n\nSurgical hand rubbing takes at least 3 minutes.\n\n"
    "An opened bottle of alcohol rub is discarded after 30 days.\n",
}


@pytest.fixture(scope="session")
def embeddings(database: str) -> Iterator[None]:
    """multilingual-e5-small in this process instead of the model server."""
    before = getattr(django_settings, "EMBEDDINGS", "server")
    django_settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    yield
    django_settings.EMBEDDINGS = before
    embedder.cache_clear()


@dataclass(frozen=True)
class Clinic:
    """An organization, its owner, its collection and one live deployment."""

    organization: Any
    owner: Any
    collection_id: uuid.UUID
    solution_id: uuid.UUID
    deployment: Deployment


@pytest.fixture(scope="session")
def clinic(embeddings: None, tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    organization = _organization("clinic")
    owner = _member(organization, "owner")
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    outcomes = documents_import(
        organization_id=organization.id, collection="制度", paths=[folder], user_id=owner.user_id
    )
    assert {outcome.state for outcome in outcomes} == {"ready"}
    with tenant_context(organization.id, owner.user_id):
        collection = collection_by_name("制度")
        solution, _ = solution_create(
            name="手卫生问答", industry="medical", scenario="guideline-qa", collection_id=collection.id
        )
    deployment = deploy(organization, owner, solution.id, collection.id)
    with tenant_context(organization.id, owner.user_id):
        route_point(solution_id=solution.id, name="hand-hygiene", deployment_id=deployment.id)
    return Clinic(organization, owner, collection.id, solution.id, deployment)


def deploy(
    organization: Any,
    owner: Any,
    solution_id: uuid.UUID,
    collection_id: uuid.UUID | None = None,
    groups: list[str] | None = None,
) -> Deployment:
    """A new bundle and its deployment, approved by ``owner``, not yet on any route."""
    pack = industry_get("medical")
    with tenant_context(organization.id, owner.user_id):
        parts = bundle_parts(
            pack=pack,
            scenario=pack.scenario("guideline-qa"),
            collection_id=collection_id or uuid.uuid4(),
            documents=version_artifacts(collection_id),
            model_version=None,
            model="",
        )
        ref = ArtifactRef("bundle", uuid.uuid4())
        bundle = bundle_create(ref=ref, solution_id=solution_id, parts=parts, groups=groups or [])
        made = deployment_create(
            ref=ArtifactRef("deployment", uuid.uuid4()),
            bundle_id=bundle.id,
            solution_id=solution_id,
            approval={"by": str(owner.user_id), "note": "test"},
        )
        return deployment_get(made.id)


@dataclass
class ChatServer:
    """An OpenAI-compatible endpoint that says ``text``; keeps what it was asked."""

    url: str = ""
    text: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def chat(settings: Any) -> Iterator[ChatServer]:
    """The configured chat model for one test."""
    said = ChatServer()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            message = {"role": "assistant", "content": said.text}
            body = {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "chat",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 41, "completion_tokens": 7, "total_tokens": 48},
            }
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_request(self, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    said.url = f"http://127.0.0.1:{server.server_port}/v1"
    settings.CHAT_URL, settings.CHAT_API_KEY, settings.CHAT_MODEL = said.url, "secret", "chat"
    yield said
    server.shutdown()
    server.server_close()


@pytest.fixture
def new_solution(organization: Any, owner: Any) -> Callable[[str], uuid.UUID]:
    def make(name: str) -> uuid.UUID:
        with tenant_context(organization.id, owner.user_id):
            return solution_create(name=name, industry="medical", scenario="guideline-qa")[0].id

    return make
