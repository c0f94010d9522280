"""Small collections with question sets, made by the real services with the real embedding engine."""

from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.selectors import collection_by_name
from tests.integration.knowledge.conftest import NURSING, WASTE, bring, engine

__all__ = ["NURSING", "WASTE", "bring", "engine"]


@pytest.fixture(autouse=True)
def _in_process(in_process: None) -> None:
    """For every test of this folder."""


@pytest.fixture
def collection(bring: Any, organization: Any) -> Collection:
    """The collection 制度 with two documents of rules."""
    bring({"医疗废物管理办法.md": WASTE, "护理值班制度.md": NURSING})
    with tenant_context(organization.id):
        return collection_by_name("制度")


@pytest.fixture
def collection_id(collection: Collection) -> UUID:
    return collection.id
