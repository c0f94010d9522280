"""What the tests of accounts share: rows of a tenant, plain SQL as any role, and a browser of its own address."""

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from tests.engines import ADDRESSES

Rows = list[tuple[Any, ...]]


@pytest.fixture
def catalogue(database: str) -> Callable[..., Rows]:
    """Ask PostgreSQL's own catalogue."""

    def ask(statement: str, *values: object) -> Rows:
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    return ask


@pytest.fixture
def as_role(database: str) -> Callable[[str], "psycopg.Connection[Any]"]:
    """A fresh connection that commits by itself, past Django and past our contexts."""

    def connect(role: str = "liaoyuan_app") -> "psycopg.Connection[Any]":
        return psycopg.connect(ADDRESSES.database_dsn(role, name=database), autocommit=True)

    return connect


@pytest.fixture
def browser(database: str) -> Client:
    """A visitor from an address that nobody else has: limits by address do not reach over to other tests."""
    return Client(REMOTE_ADDR="10." + ".".join(str(random.randrange(1, 255)) for _ in range(3)))
