"""A house whose PostgreSQL is its own, so that a test may kill it without taking it from the tests beside it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from liaoyuan.compute.engines import postgres
from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from tests.engines import ALIASES


@contextmanager
def own_postgres(var: Path) -> Iterator[EngineAddresses]:
    """A migrated server of its own; Django's three aliases in this process speak to it until the end."""
    addresses = engine_addresses(var)
    before = {alias: dict(connections.settings[alias]) for alias in ALIASES}
    postgres.start(addresses)
    try:
        _point({alias: addresses.database(f"liaoyuan_{_role(alias)}") for alias in ALIASES})
        call_command("migrate", database="owner", interactive=False, verbosity=0)
        yield addresses
    finally:
        _point(before)
        postgres.stop(addresses)


def _role(alias: str) -> str:
    return "app" if alias == "default" else alias


def _point(settings: dict[str, dict[str, Any]]) -> None:
    for alias, values in settings.items():
        connections[alias].close()
        for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
            connections.settings[alias][name] = values[name]
            connections[alias].settings_dict[name] = values[name]


def crash(addresses: EngineAddresses) -> None:
    """The server dies without a word, as by the kernel's out-of-memory killer, and is started again."""
    found = postgres.pid(addresses)
    assert found is not None
    os.kill(found, signal.SIGKILL)
    end = time.monotonic() + 10
    while postgres.pid(addresses) is not None:
        assert time.monotonic() < end, "the killed server is still there"
        time.sleep(0.02)
    _come_back(addresses, found)


def restart(addresses: EngineAddresses) -> None:
    """An administrator's restart: every connection is closed."""
    found = postgres.pid(addresses)
    assert postgres.stop(addresses)
    _come_back(addresses, found or 0)


def _come_back(addresses: EngineAddresses, before: int) -> None:
    postgres.start(addresses)
    assert postgres.pid(addresses) not in {None, before}
    for alias in ALIASES:
        connections[alias].close()
