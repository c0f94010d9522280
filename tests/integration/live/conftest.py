"""The server as a browser meets it: sessions, streams read line by line, and a proxy that holds bytes back."""

import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings
from django.test import Client

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.events import event_write
from liaoyuan.pipeline.services import stage_run_start
from tests.integration.api.conftest import Server, server
from tests.integration.live.proxy import Proxy
from tests.stages import scripted_stages

__all__ = ["server"]


@dataclass
class Event:
    """One event: what the stream says of itself by its name, what happened to a run by its kind."""

    name: str
    id: str
    data: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class Listener:
    """Reads one stream in a thread. ``status`` and ``headers`` are those of the answer."""

    def __init__(self, url: str, cookies: dict[str, str], headers: dict[str, str]) -> None:
        self.comments = 0
        self.closed = threading.Event()
        self._events: queue.Queue[Event] = queue.Queue()
        self._client = httpx.Client(trust_env=False, timeout=60, cookies=cookies)
        self._context = self._client.stream("GET", url, headers=headers)
        self._response = self._context.__enter__()
        self.status, self.headers = self._response.status_code, self._response.headers
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self._response.iter_lines():
                if not line and "data" in fields:
                    data = json.loads(fields["data"])
                    name = fields.get("event") or data["kind"]
                    self._events.put(Event(name, fields.get("id", ""), data))
                if not line:
                    fields = {}
                elif line.startswith(":"):
                    self.comments += 1
                else:
                    name, _, value = line.partition(": ")
                    fields[name] = value
        except httpx.HTTPError:
            """The server went away."""
        finally:
            self.closed.set()

    def next(self, seconds: float = 5.0) -> Event:
        return self._events.get(timeout=seconds)

    def until(self, name: str, seconds: float = 5.0) -> Event:
        """The next event called ``name``; what comes before it is dropped."""
        end = time.monotonic() + seconds
        while True:
            found = self.next(max(end - time.monotonic(), 0.01))
            if found.name == name:
                return found

    def silent(self, seconds: float) -> bool:
        try:
            self._events.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        """As a browser does when its tab is closed."""
        with suppress(OSError):
            self._response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.closed.wait(5)
        self._client.close()


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    """``signed_in(member)``: a test client with their session."""

    def enter(member: Any) -> Client:
        client = Client()
        client.force_login(member.user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return client

    return enter


@pytest.fixture
def listen(server: Server) -> Iterator[Callable[..., Listener]]:
    """``listen(client, "?after=3", url=…, **headers)`` opens ``/live`` with the client's cookies."""
    opened: list[Listener] = []

    def begin(client: Client, query: str = "", *, url: str = "", **headers: str) -> Listener:
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        opened.append(Listener(f"{url or server.url}/live{query}", cookies, headers))
        return opened[-1]

    yield begin
    for listener in opened:
        listener.close()


@pytest.fixture
def run_id(organization: Any, owner: Any) -> UUID:
    """A queued run, whose first event is written."""
    with scripted_stages(), tenant_context(organization.id, owner.user_id):
        return stage_run_start(stage="evaluate", spec={"do": "succeed"}).id


@pytest.fixture
def write(organization: Any) -> Callable[..., None]:
    """``write(run_id, "progress", progress=0.5)`` commits one event."""

    def commit(run: UUID, kind: str = "progress", **data: Any) -> None:
        with tenant_context(organization.id):
            event_write(run_id=run, organization_id=organization.id, kind=kind, data=data)

    return commit


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Four kilobytes or one second."""
    found = Proxy(server.url)
    yield found
    found.close()
