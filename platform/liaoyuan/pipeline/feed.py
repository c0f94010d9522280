"""Server-sent events of a run or a solution, resumed by ``Last-Event-ID``.

No transaction is held while nothing happens.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline import selectors

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
# Transactions of two runs may commit against the order of their numbers: look this far back, and skip what was sent.
OVERLAP = 200


async def event_stream(
    organization_id: UUID,
    *,
    user_id: UUID | None = None,
    after_seq: int = 0,
    run_id: UUID | None = None,
    solution_id: UUID | None = None,
) -> AsyncIterator[bytes]:
    """The events above ``after_seq`` as an SSE body, for ever; a comment line every 15 s keeps proxies from closing it.

    Raises NotFound at the first item for a stranger's run or solution. One of ``run_id`` and ``solution_id`` is needed.
    """
    if (run_id is None) == (solution_id is None):
        raise ValueError("give either run_id or solution_id")
    window = _Window(after_seq)
    scope = {"run_id": run_id, "solution_id": solution_id}
    await _read(organization_id, user_id, after_seq, scope, check=True)
    yield b"retry: 2000\n\n"
    spoke = time.monotonic()
    while True:
        fresh = window.new(await _read(organization_id, user_id, window.start, scope))
        for payload in fresh:
            yield encode(payload)
        if fresh:
            spoke = time.monotonic()
            continue
        if time.monotonic() - spoke >= HEARTBEAT_SECONDS:
            yield b": alive\n\n"
            spoke = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)


def encode(payload: dict[str, Any]) -> bytes:
    """One event in the wire form of SSE. JSON holds no raw line break, so one data line is enough."""
    data = json.dumps(payload, ensure_ascii=False)
    return f"id: {payload['seq']}\nevent: {payload['kind']}\ndata: {data}\n\n".encode()


class _Window:
    """Which numbers were sent lately, so that a late one is sent and none twice."""

    def __init__(self, after_seq: int) -> None:
        self._floor = self._last = after_seq
        self._sent: set[int] = set()

    @property
    def start(self) -> int:
        return max(self._floor, self._last - OVERLAP)

    def new(self, payloads: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        fresh = [payload for payload in payloads if payload["seq"] not in self._sent]
        self._sent |= {payload["seq"] for payload in fresh}
        self._last = max([self._last, *(payload["seq"] for payload in fresh)])
        self._sent = {seq for seq in self._sent if seq > self.start}
        return fresh


async def _read(
    organization_id: UUID, user_id: UUID | None, after_seq: int, scope: dict[str, UUID | None], *, check: bool = False
) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        connection.close_if_unusable_or_obsolete()
        with tenant_context(organization_id, user_id):
            if check:
                _must_exist(scope)
                return []
            events = selectors.events_after(seq=after_seq, limit=2 * OVERLAP + 1, **scope)
            return [selectors.event_payload(event) for event in events]

    # The few threads of the loop's pool, each with its connection: a thousand watchers do not need a thousand.
    return await sync_to_async(read, thread_sensitive=False)()


def _must_exist(scope: dict[str, UUID | None]) -> None:
    if scope["run_id"] is not None:
        selectors.run_get(scope["run_id"])
    if scope["solution_id"] is not None:
        selectors.solution_get(scope["solution_id"])
