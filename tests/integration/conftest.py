"""Every test here has the engines and the database, and embeds as the model server does."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _engines(database: str) -> None:
    """Starts the engines before any other fixture of this folder."""


@pytest.fixture(scope="session", autouse=True)
def _embedding() -> Iterator[None]:
    from tests.embedding import ServingE5, embedded_by

    with embedded_by(ServingE5):
        yield
