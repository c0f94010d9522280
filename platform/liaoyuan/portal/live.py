"""``/live``: what happens in the visitor's organization, as it happens, on one connection a browser.

Who listens is looked at again every few seconds, all of them together: signing out, a disabled member or another role
ends the stream with a word that the page shows.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.standing import Visit, visits_ended
from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.feed import Since, organization_stream
from liaoyuan.pipeline.hub import POOL, Seat, hub
from liaoyuan.pipeline.news import News
from liaoyuan.portal.door import PageRequest, page

logger = logging.getLogger(__name__)
STREAMS_A_USER: Final = 6
STREAMS_A_PROCESS: Final = 2000
RIGHTS_SECONDS: Final = 5.0
# Then the browser comes back by itself: no proxy's idea of a longest request cuts it in the middle of an event.
LIFE_SECONDS: Final = 1800.0
LARGEST_AGE: Final = 120.0
LONGEST_NUMBER: Final = 18


class TooManyStreams(LiaoyuanError):
    code = "too_many_streams"
    zh = "打开的实时页面太多（最多 {limit} 个）。请关闭几个标签页；页面仍可手动刷新。"
    en = "Too many live pages are open (at most {limit}). Close some tabs; pages can still be reloaded by hand."
    retryable = True
    status = 429


@page("run.view", tenant=False)
def live(request: PageRequest) -> HttpResponseBase:
    """Events of ``?organization=`` (of the chosen one without it), after ``Last-Event-ID`` or ``?after=``.

    ``?age=`` (seconds) is for a page that was just rendered: it hears what happened since. Raises TooManyStreams.
    """
    who = _in_organization(request)
    _refuse_too_many(who.user_id)
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream; charset=utf-8")
    visit = Visit(request.session.session_key or "", who)
    response = StreamingHttpResponse(_body(visit, _since(request)), content_type="text/event-stream; charset=utf-8")
    # A proxy that compresses would hold events back.
    response["Cache-Control"] = "no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


def _in_organization(request: PageRequest) -> Principal:
    """A page in another tab may show another organization than the one that was chosen last. Raises NotFound."""
    wanted = request.GET.get("organization", "")
    if not wanted or wanted == str(request.principal.organization_id):
        return request.principal
    found = next((each for each in request.memberships if str(each.organization_id) == wanted), None)
    if found is None:
        raise NotFound
    return found


def _since(request: HttpRequest) -> Since:
    last = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    if last.isascii() and last.isdecimal() and len(last) <= LONGEST_NUMBER:
        return Since(seq=int(last))
    age = request.GET.get("age", "")
    return Since(seconds=min(float(age), LARGEST_AGE) if age.isascii() and age.isdecimal() else 0.0)


def _refuse_too_many(user_id: UUID) -> None:
    if _open[user_id] >= STREAMS_A_USER:
        raise TooManyStreams(limit=STREAMS_A_USER)
    if _open.total() >= STREAMS_A_PROCESS:
        raise TooManyStreams(limit=STREAMS_A_PROCESS)


async def _body(visit: Visit, since: Since) -> AsyncIterator[bytes]:
    who = visit.principal
    until = time.monotonic() + LIFE_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311 - spreads the reconnections
    seat = await hub().join(who.organization_id)
    try:
        with _counted(who.user_id), _guard().watching(seat, visit):
            stream = organization_stream(who.organization_id, seat, since=since, wire=_shown_to(who), until=until)
            async for part in stream:
                yield part
    finally:
        hub().leave(who.organization_id, seat)


# What these say as they go names documents.
NAMES_FILES: Final = frozenset({StageName.INGEST.value, StageName.SYNC.value})


def _shown_to(who: Principal) -> Callable[[News], bytes]:
    """An import names its files as it goes: that is for those who may see all documents, and for who started it."""
    sees_all = who.document_groups is None

    def wire(item: News) -> bytes:
        own = item.payload["requested_by"] == str(who.user_id)
        return item.plain if sees_all or own or item.payload["stage"] not in NAMES_FILES else item.bare

    return wire


# Read by the threads of views, changed by the loop alone.
_open: "Counter[UUID]" = Counter()


@contextmanager
def _counted(user_id: UUID) -> Iterator[None]:
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]


class Guard:
    """Ends the seats of those who may not listen any more. Its task lives while there are any."""

    def __init__(self) -> None:
        self._visits: dict[Seat, Visit] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, seat: Seat, visit: Visit) -> Iterator[None]:
        self._visits[seat] = visit
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            del self._visits[seat]

    async def _watch(self) -> None:
        while self._visits:
            await asyncio.sleep(RIGHTS_SECONDS)
            # A database that is away ends nobody's visit, and lets nobody in either.
            with suppress(DatabaseError):
                await self._look()

    async def _look(self) -> None:
        visits = set(self._visits.values())
        ended = await sync_to_async(_ended, thread_sensitive=False, executor=POOL)(visits)
        for seat, visit in list(self._visits.items()):
            if visit in ended:
                seat.end(ended[visit])


def _ended(visits: set[Visit]) -> dict[Visit, str]:
    close_old_connections()
    return visits_ended(visits)


_guards: "WeakKeyDictionary[asyncio.AbstractEventLoop, Guard]" = WeakKeyDictionary()


def _guard() -> Guard:
    loop = asyncio.get_running_loop()
    if loop not in _guards:
        _guards[loop] = Guard()
    return _guards[loop]
