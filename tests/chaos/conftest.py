"""Every test here has the engines, the database, and a house full of real processes."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.services import stage_run_start
from tests.chaos.house import House
from tests.stages import scripted_stages


@pytest.fixture(scope="package")
def house(database: str) -> Iterator[House]:
    """Broker, relay and reaper; tests add the workers. Gone after this folder: other tests are their own relay."""
    found = House(database)
    try:
        found.start("relay")
        found.start("reaper")
        yield found
    finally:
        found.close()


@pytest.fixture(autouse=True)
def _scripted(house: House) -> Iterator[None]:
    with scripted_stages():
        yield


@pytest.fixture
def start(organization: Any, owner: Any) -> Callable[..., UUID]:
    """``start("work", stage="evaluate", seconds=1)`` commits one queued run and gives its id."""

    def begin(do: str = "succeed", *, stage: str = "evaluate", **spec: Any) -> UUID:
        with tenant_context(organization.id, owner.user_id):
            return stage_run_start(stage=stage, spec={"do": do, **spec}).id

    return begin
