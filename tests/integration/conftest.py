"""Every test here has the engines and the database."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _engines(database: str) -> None:
    """Starts the engines before any other fixture of this folder."""
