"""Engines of their own for these tests, which stop and kill them: the session's shared ones are left alone."""

from collections.abc import Iterator

import pytest

from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.compute.engines.manager import engines_down, engines_up


@pytest.fixture(scope="session", autouse=True)
def _engines() -> None:
    """Overrides the parent folder's fixture: no migrated database is needed here."""


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddresses]:
    """PostgreSQL and Valkey of a fresh var folder, up."""
    found = engine_addresses(tmp_path_factory.mktemp("var"))
    engines_up(found, only=["postgres", "valkey"])
    yield found
    engines_down(found)
