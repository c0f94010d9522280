"""Every test here has the engines and the database, embeds as the model server does, and hashes passwords cheaply."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def _engines(database: str) -> None:
    """Starts the engines before any other fixture of this folder."""


@pytest.fixture(scope="session", autouse=True)
def _embedding() -> Iterator[None]:
    from tests.embedding import ServingE5, embedded_by

    with embedded_by(ServingE5):
        yield


@pytest.fixture(scope="session", autouse=True)
def _hashing() -> Iterator[None]:
    """The same algorithm at a small part of its cost, which is there for attackers to pay."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"time_cost": 1, "memory_cost": 1024, "parallelism": 1}.items():
            patch.setattr(Argon2PasswordHasher, name, value)
        yield


@pytest.fixture
def in_process(settings: Any) -> Iterator[None]:
    """Jobs and commands make their own embedding engine in this process: there is no model server."""
    from liaoyuan.knowledge.adapters.embeddings import embedder

    settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    yield
    embedder.cache_clear()
