"""What tests of index generations share: a collection, another embedding service, and ways to build and swap."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters import embedding_endpoint
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder, embedder
from liaoyuan.knowledge.models import Collection, SearchIndex
from liaoyuan.knowledge.retrieve import retrieve
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.services.reindexing import (
    generation_swap,
    reindex_start,
)
from liaoyuan.knowledge.settings import settings_read
from liaoyuan.pipeline.models import StageRun
from liaoyuan.pipeline.services import stage_run_execute
from tests.integration.knowledge.conftest import NURSING, WASTE, Import
from tests.integration.knowledge.endpoint import Service, served

QUESTION = "医疗废物暂时贮存的时间不得超过几天？"
HANDS = "# 手卫生\n\n第一条 洗手不少于40秒。"
OTHER = {"embedder": "e5-256", "chunking": {"target": 60, "limit": 120}}


@pytest.fixture(scope="module")
def service(engine: ProcessEmbedder) -> Iterator[Service]:
    with served(engine) as found:
        yield found


@pytest.fixture(autouse=True)
def models(service: Service, settings: Any, engine: ProcessEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMBEDDINGS = "process"
    settings.EMBEDDERS = (service.endpoint(),)
    monkeypatch.setattr(embedding_endpoint, "FIRST_DELAY", 0.0)
    embedder.cache_clear()
    monkeypatch.setattr("liaoyuan.knowledge.adapters.embeddings.ProcessEmbedder", lambda **_: engine)
    embedder()


@pytest.fixture
def collection(organization: Any, bring: Import) -> Collection:
    bring({"医疗废物管理办法.md": WASTE, "护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        return collection_by_name("制度")


@pytest.fixture
def start(organization: Any, collection: Collection) -> Callable[..., SearchIndex]:
    def begin(values: Any = None, **more: Any) -> SearchIndex:
        with tenant_context(organization.id):
            wanted = settings_read(OTHER if values is None else values)
            return reindex_start(collection_id=collection.id, settings=wanted, **more)

    return begin


def run_of(organization: Any, index: SearchIndex) -> StageRun:
    with tenant_context(organization.id):
        return StageRun.objects.get(id=SearchIndex.objects.get(id=index.id).run_id)


def execute(organization: Any, index: SearchIndex) -> StageRun:
    stage_run_execute(run_id=run_of(organization, index).id, worker="test")
    return run_of(organization, index)


def swap(organization: Any, collection: Collection, index: SearchIndex) -> Any:
    with tenant_context(organization.id):
        return generation_swap(collection_id=collection.id, index_id=index.id)


def best(organization: Any, collection: Collection, question: str = QUESTION) -> str:
    with tenant_context(organization.id):
        found = retrieve(collection.id, question)
        return found.ranked[0].candidate.text if found.ranked else ""
