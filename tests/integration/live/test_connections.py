"""A thousand requests and fifty streams leave no connection to the database behind."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connections
from django.test import Client

from liaoyuan.config.handler import THREADS
from liaoyuan.pipeline.hub import POOL
from tests.engines import ADDRESSES
from tests.integration.api.conftest import Server
from tests.integration.live.conftest import Listener

# A page now and then, and many of what is quickly done: it is about connections, not about templates.
PATHS = ("/organization/members/", "/nowhere", *["/api/v1/solutions"] * 8)
AT_ONCE = 24
REQUESTS = 1000


def backends() -> int:
    """Server processes that work for this test's database."""
    name = connections.settings["default"]["NAME"]
    with closing(psycopg.connect(ADDRESSES.database_dsn("liaoyuan_owner", name="postgres"))) as owner:
        counted = owner.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
    assert counted is not None
    return int(counted[0])


def asked(server: Server, cookies: dict[str, str], number: int) -> int:
    with httpx.Client(base_url=server.url, cookies=cookies, trust_env=False, timeout=120) as client:
        return client.get(PATHS[number % len(PATHS)]).status_code


@pytest.mark.slow
def test_a_thousand_requests_leave_the_number_of_connections_flat(
    server: Server, signed_in: Callable[[Any], Client], owner: Any
) -> None:
    cookies = {name: morsel.value for name, morsel in signed_in(owner).cookies.items()}

    def ask(number: int) -> int:
        return asked(server, cookies, number)

    idle = backends()
    with ThreadPoolExecutor(AT_ONCE) as people:
        assert max(people.map(ask, range(100))) < 500
        before = backends()
        statuses = set(people.map(ask, range(REQUESTS - 100)))
    assert max(statuses) < 500, statuses
    after = backends()
    # More at once than the pool has threads: what is above it waits, and opens nothing.
    assert after - idle <= 2 * THREADS + 2 * POOL._max_workers + 4
    assert after - before <= 2


def test_streams_hold_no_connection_each(
    server: Server,
    listen: Callable[..., Listener],
    signed_in: Callable[[Any], Client],
    owner: Any,
    steward: Any,
    viewer: Any,
) -> None:
    clients = [signed_in(member) for member in (owner, steward, viewer)]
    listen(clients[0]).until("ready")
    # Threads keep the connection that they once had: all of them have theirs before anything is counted.
    cookies = {name: morsel.value for name, morsel in clients[0].cookies.items()}
    with ThreadPoolExecutor(AT_ONCE) as people:
        assert max(people.map(lambda number: asked(server, cookies, number), range(3 * AT_ONCE))) < 500
    before = backends()
    streams = [listen(client) for client in clients for _ in range(5)]
    for stream in streams:
        stream.until("ready")
    time.sleep(1.0)
    assert backends() - before <= 4
    for stream in streams:
        stream.close()
    assert backends() - before <= 4
