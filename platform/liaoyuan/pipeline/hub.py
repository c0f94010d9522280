"""One reader of new events per process, however many people watch.

PostgreSQL says on commit that an organization has news (LISTEN/NOTIFY); the hub reads them once and hands them to every
seat of that organization. A slow poll stands behind it, for a lost connection and for poolers that swallow NOTIFY.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline import news
from liaoyuan.pipeline.events import FEED_CHANNEL
from liaoyuan.pipeline.news import News

logger = logging.getLogger(__name__)
T = TypeVar("T")
POLL_SECONDS: Final = 5.0
# News of one moment (a run's last progress and its end) are read together.
GATHER_SECONDS: Final = 0.05
AGAIN_SECONDS: Final = 1.0
# Transactions of two runs may commit against the order of their numbers: look this far back, and skip what was sent.
OVERLAP: Final = 200
# A seat that is this far behind has a reader who does not read; it is told to look at everything anew.
LONGEST_QUEUE: Final = 1000
# Few threads, each with its connection; reads are short, so that these serve any number of watchers.
POOL: Final = ThreadPoolExecutor(2, thread_name_prefix="feed")


class Window:
    """Which numbers were sent lately, so that a late one is sent and none twice."""

    def __init__(self, after_seq: int, sent: Iterable[int] = ()) -> None:
        self._floor = self._last = after_seq
        self.sent = set(sent)

    @property
    def start(self) -> int:
        return max(self._floor, self._last - OVERLAP)

    @property
    def newest(self) -> int:
        """The highest number that was sent, or after which the reader began."""
        return self._last

    def new(self, found: Sequence[News]) -> list[News]:
        fresh = [each for each in found if each.seq not in self.sent]
        self.sent |= {each.seq for each in fresh}
        self._last = max([self._last, *(each.seq for each in fresh)])
        self.sent = {seq for seq in self.sent if seq > self.start}
        return fresh


class Seat:
    """One watcher: the news of an organization in order, until somebody ends it."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[News | None] = asyncio.Queue(LONGEST_QUEUE)
        self.overrun = False
        self.ended = ""

    def put(self, item: News | None) -> None:
        if self._queue.full():
            self.overrun = True
            while not self._queue.empty():
                self._queue.get_nowait()
        self._queue.put_nowait(item)

    def end(self, reason: str) -> None:
        """The next :meth:`take` comes back at once; ``ended`` says why."""
        self.ended = self.ended or reason
        self.put(None)

    async def take(self, timeout: float) -> list[News]:
        """All that is there, waiting at most ``timeout`` seconds for the first."""
        found: list[News | None] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                found.append(await self._queue.get())
        while not self._queue.empty():
            found.append(self._queue.get_nowait())
        return [item for item in found if item is not None]


@dataclass
class _Room:
    """The seats of one organization. ``window`` is None until the first look, which finds where news begin."""

    seats: set[Seat] = field(default_factory=set)
    window: Window | None = None
    dirty: bool = True
    looked: float = 0.0


class Hub:
    """The rooms of one event loop. Its task lives while somebody watches."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, _Room] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def join(self, organization_id: UUID) -> Seat:
        """A seat that hears everything committed after this returns. What came before is the caller's to read."""
        room = self._rooms.setdefault(organization_id, _Room())
        seat = Seat()
        room.seats.add(seat)
        try:
            if room.window is None:
                await self._look(organization_id, room)
        except BaseException:
            self.leave(organization_id, seat)
            raise
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return seat

    def leave(self, organization_id: UUID, seat: Seat) -> None:
        """Give the seat back; an empty room is closed."""
        room = self._rooms.get(organization_id)
        if room is not None:
            room.seats.discard(seat)
        if room is not None and not room.seats:
            del self._rooms[organization_id]
        self._wake.set()

    async def _run(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while self._rooms:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS / 4):
                        await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
                self._wake.clear()
                await self._look_around()
        finally:
            listening.cancel()

    async def _look_around(self) -> None:
        now = time.monotonic()
        for organization_id, room in list(self._rooms.items()):
            if not (room.dirty or now - room.looked >= POLL_SECONDS):
                continue
            try:
                await self._look(organization_id, room)
            except DatabaseError:
                logger.warning("cannot read new events; trying again", exc_info=True)
                room.dirty = True
                await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self, organization_id: UUID, room: _Room) -> None:
        # Before the reading: what is written during it makes the room dirty again.
        room.dirty, room.looked = False, time.monotonic()
        if room.window is None:
            beginning = await in_feed_thread(organization_id, _beginning)
            room.window = room.window or beginning
            return
        start, sent = room.window.start, list(room.window.sent)
        limit = 2 * OVERLAP + 1
        found = await in_feed_thread(organization_id, lambda: news.read(after=start, without=sent, limit=limit))
        # A full page: there is more.
        room.dirty = room.dirty or len(found) == limit
        for item in room.window.new(found):
            for seat in room.seats:
                seat.put(item)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_address(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {FEED_CHANNEL}")
                    self._heard("")
                    async for notice in connection.notifies():
                        self._heard(notice.payload)
            except psycopg.Error as error:
                logger.warning("not listening for events: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)

    def _heard(self, organization: str) -> None:
        """News of one organization; of any of them where it is empty."""
        for organization_id, room in self._rooms.items():
            if organization in {"", str(organization_id)}:
                room.dirty = True
                self._wake.set()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


async def in_feed_thread(organization_id: UUID, work: Callable[[], T], user_id: UUID | None = None) -> T:
    """``work`` in a short transaction of the tenant; no transaction is held between two of them."""

    def run() -> T:
        close_old_connections()
        with tenant_context(organization_id, user_id):
            return work()

    return await sync_to_async(run, thread_sensitive=False, executor=POOL)()


def _beginning() -> Window:
    after = max(news.latest() - OVERLAP, 0)
    return Window(after, news.numbers(after))


def _address() -> dict[str, Any]:
    settings = connections.settings["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {key: settings[name] for key, name in names.items() if settings[name]}
    return {**given, **settings.get("OPTIONS", {})}
