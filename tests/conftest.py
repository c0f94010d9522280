"""Fixtures that all tests share. A test that touches the database works as a tenant of its own."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.engines import database_session


@pytest.fixture(scope="session")
def database(django_db_blocker: Any) -> Iterator[str]:
    """The engines and a migrated database; yields its name. tests/integration, chaos and browser have it always."""
    with django_db_blocker.unblock():
        yield from database_session()


@pytest.fixture(scope="session")
def django_db_setup(database: str) -> None:
    """pytest-django's own test database is replaced by ``database``."""


def _organization(label: str) -> Any:
    from liaoyuan.accounts.services import organization_create

    return organization_create(name=f"{label} {uuid.uuid4()}")[0]


def _member(organization: Any, role: str) -> Any:
    from liaoyuan.accounts.models import Role
    from liaoyuan.accounts.services import member_add, user_create
    from liaoyuan.accounts.tenancy import tenant_context

    with tenant_context(organization.id):
        user, _ = user_create(email=f"{role}-{uuid.uuid4().hex}@example.org")
        return member_add(user=user, role=Role(role))


@pytest.fixture
def organization(database: str) -> Any:
    return _organization("organization")


@pytest.fixture
def other_organization(database: str) -> Any:
    return _organization("other")


@pytest.fixture
def owner(organization: Any) -> Any:
    """A Member (``.user`` is the User) with the role owner in ``organization``."""
    return _member(organization, "owner")


@pytest.fixture
def steward(organization: Any) -> Any:
    return _member(organization, "steward")


@pytest.fixture
def viewer(organization: Any) -> Any:
    return _member(organization, "viewer")


@pytest.fixture
def stranger(other_organization: Any) -> Any:
    """An owner, but of another organization."""
    return _member(other_organization, "owner")


@pytest.fixture
def in_tenant() -> Callable[..., AbstractContextManager[Any]]:
    """``with in_tenant(organization): …``, optionally ``in_tenant(organization, member)``."""
    from liaoyuan.accounts.tenancy import tenant_context

    def enter(organization: Any, member: Any = None) -> AbstractContextManager[Any]:
        return tenant_context(organization.id, member.user_id if member else None)

    return enter


@pytest.fixture
def tenant(organization: Any, owner: Any) -> Iterator[Any]:
    """The whole test runs as ``owner`` inside the tenant context; for rows that nobody else must see."""
    from liaoyuan.accounts.tenancy import tenant_context

    with tenant_context(organization.id, owner.user_id) as context:
        yield context
