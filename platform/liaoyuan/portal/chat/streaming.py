"""An answer as server-sent events: what is being done, the text, the finished turn. The work goes on without a reader.

The answer is made in a thread of its own from the moment the question was written down; whoever listens may leave, come
back and find it stored.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from liaoyuan.deployment.conversations import ANSWERED

HEARTBEAT_SECONDS: Final = 10.0
# Each waits for a model most of its time; questions beyond them queue.
_POOL: Final = ThreadPoolExecutor(8, thread_name_prefix="answer")
# Some proxies hold back the first kilobytes of a response.
_PADDING: Final = b":" + b" " * 2048 + b"\n\n"
END: Final = "end"


class Channel:
    """Events from the answering thread to at most one listener; they wait until somebody listens."""

    def __init__(self) -> None:
        self._events: deque[tuple[str, str]] = deque()
        self._wake: Callable[[], None] = lambda: None

    def put(self, kind: str, value: str = "") -> None:
        """From any thread."""
        self._events.append((kind, value))
        self._wake()

    async def events(self) -> AsyncIterator[tuple[str, str] | None]:
        """Events until ``end``; None where a heartbeat is due."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(ready.set)

        self._wake = wake
        while True:
            ready.clear()
            while self._events:
                event = self._events.popleft()
                if event[0] == END:
                    return
                yield event
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await ready.wait()
            except TimeoutError:
                yield None


def work_start(work: Callable[[Callable[[str], None], Callable[[str], None]], object]) -> Channel:
    """Run ``work(listen, tell)`` in the background; its steps, its sentences and its end go into the channel."""
    channel = Channel()

    def run() -> None:
        close_old_connections()
        try:
            work(lambda step: channel.put("step", step), lambda piece: channel.put("text", piece))
        finally:
            close_old_connections()
            channel.put(END)

    _POOL.submit(run)
    return channel


async def answer_events(
    channel: Channel,
    first: dict[str, Any],
    steps: dict[str, str],
    last: Callable[[], dict[str, Any]],
    more: Callable[[], dict[str, Any]],
) -> AsyncIterator[bytes]:
    """``first``, a ``step`` for each step in ``steps``' words, a ``text`` for each checked sentence, then ``done``.

    After it ``follow_ups`` with what ``more`` gives, where that is anything: nobody waits for it.
    """
    yield _PADDING
    yield encode("turn", first)
    said, done = "", False
    async for event in channel.events():
        if event is None:
            yield b": working\n\n"
            continue
        if event[0] == "text":
            yield encode("text", {"text": event[1]})
            continue
        if event[1] == ANSWERED:
            done = True
            yield encode("done", await sync_to_async(_fresh, thread_sensitive=False)(last))
            continue
        words = steps.get(event[1], "")
        if words and words != said:
            said = words
            yield encode("step", {"step": event[1], "text": words})
    if not done:
        yield encode("done", await sync_to_async(_fresh, thread_sensitive=False)(last))
    elif offered := await sync_to_async(_fresh, thread_sensitive=False)(more):
        yield encode("follow_ups", offered)


def _fresh(last: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A thread of the loop's pool may hold a connection that the database has closed since."""
    close_old_connections()
    return last()


def encode(kind: str, data: dict[str, Any]) -> bytes:
    """One event on the wire; JSON holds no raw line break."""
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n".encode()
