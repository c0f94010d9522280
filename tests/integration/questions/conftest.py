"""Small collections with question sets, made by the real services with the real embedding engine."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import embedder
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.selectors import collection_by_name
from tests.integration.knowledge.conftest import NURSING, WASTE, bring, engine

__all__ = ["NURSING", "WASTE", "bring", "engine"]


@pytest.fixture(autouse=True)
def in_process(settings: Any) -> Iterator[None]:
    """The embedding engine inside this process: jobs make their own."""
    settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    yield
    embedder.cache_clear()


@pytest.fixture
def collection(bring: Any, organization: Any) -> Collection:
    """The collection 制度 with two documents of rules."""
    bring({"医疗废物管理办法.md": WASTE, "护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        return collection_by_name("制度")


@pytest.fixture
def collection_id(collection: Collection) -> UUID:
    return collection.id
