"""Server-sent events of a run, a solution or a whole organization, resumed by ``Last-Event-ID``.

Every stream of a process is fed by its one :mod:`liaoyuan.pipeline.hub`: a stream asks the database once, for what it
missed, and no transaction is held while nothing happens.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

from liaoyuan.pipeline import news, selectors
from liaoyuan.pipeline.hub import OVERLAP, Seat, Window, hub, in_feed_thread
from liaoyuan.pipeline.models import FINAL_STATES
from liaoyuan.pipeline.news import News

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": alive\n\n"
RETRY = b"retry: 2000\n\n"
# A proxy that gathers four kilobytes lets the beginning through at once, so that the page knows it is connected.
PADDING = b":" + b" " * 4096 + b"\n\n"


async def event_stream(
    organization_id: UUID,
    *,
    user_id: UUID | None = None,
    after_seq: int = 0,
    run_id: UUID | None = None,
    solution_id: UUID | None = None,
) -> AsyncIterator[bytes]:
    """The events above ``after_seq`` as an SSE body; a comment line every 15 s keeps proxies from closing it.

    A run's body ends after its last event, with ``end`` and the state it reached; a solution's goes on for ever.
    Raises NotFound at the first item for a stranger's run or solution. One of ``run_id`` and ``solution_id`` is needed.
    """
    if (run_id is None) == (solution_id is None):
        raise ValueError("give either run_id or solution_id")
    await in_feed_thread(organization_id, lambda: _must_exist(run_id, solution_id), user_id)
    ledger = _Ledger(Window(after_seq), run_id, solution_id)
    seat = await hub().join(organization_id)
    try:
        yield RETRY
        ended = ""
        while not ended:
            # Asked before the events are read: what has ended by then has its last event among them.
            ended = await in_feed_thread(organization_id, ledger.ended, user_id)
            last: list[News] = []
            while missed := await in_feed_thread(organization_id, ledger.missed, user_id):
                last = missed
                for item in last:
                    yield item.wire
            if not ended and not ledger.ending(last):
                async for wire in _followed(organization_id, user_id, seat, ledger):
                    yield wire
        yield _say("end", {"run_id": str(run_id), "state": ended}, ledger.window.newest)
    finally:
        hub().leave(organization_id, seat)


async def _followed(organization_id: UUID, user_id: UUID | None, seat: Seat, ledger: "_Ledger") -> AsyncIterator[bytes]:
    """What happens from now on, until something of it says that the run has ended."""
    spoke, heard = time.monotonic(), list[News]()
    while not ledger.ending(heard):
        heard = ledger.of(await seat.take(HEARTBEAT_SECONDS))
        if seat.overrun:
            seat.overrun = False
            heard += await in_feed_thread(organization_id, ledger.missed, user_id)
        silent = time.monotonic() - spoke >= HEARTBEAT_SECONDS
        for wire in [item.wire for item in heard] or ([HEARTBEAT] if silent else []):
            yield wire
            spoke = time.monotonic()


@dataclass(frozen=True)
class _Ledger:
    """The events of one run or one solution that were not sent yet."""

    window: Window
    run_id: UUID | None
    solution_id: UUID | None

    def missed(self) -> list[News]:
        after, sent = self.window.start, list(self.window.sent)
        return self.window.new(news.read(after=after, without=sent, run_id=self.run_id, solution_id=self.solution_id))

    def of(self, found: list[News]) -> list[News]:
        return self.window.new([item for item in found if self._has(item)])

    def ended(self) -> str:
        """The state a run ended in; nothing while it may still have events."""
        if self.run_id is None:
            return ""
        state = selectors.run_get(self.run_id).state
        return str(state) if state in FINAL_STATES else ""

    def ending(self, found: list[News]) -> bool:
        """Whether these events tell of a run that has ended, so that it is worth asking."""
        return self.run_id is not None and any(item.payload["state"] in FINAL_STATES for item in found)

    def _has(self, item: News) -> bool:
        of_run, of_solution = item.payload["run_id"], item.payload["solution_id"]
        return bool(of_run == str(self.run_id) or of_solution == str(self.solution_id))


def _must_exist(run_id: UUID | None, solution_id: UUID | None) -> None:
    if run_id is not None:
        selectors.run_get(run_id)
    if solution_id is not None:
        selectors.solution_get(solution_id)


@dataclass(frozen=True)
class Since:
    """Where a page goes on: after the event ``seq``, else with what happened in the last ``seconds``."""

    seq: int | None = None
    seconds: float = 0.0


async def organization_stream(
    organization_id: UUID, seat: Seat, *, since: Since, wire: Callable[[News], bytes], until: float
) -> AsyncIterator[bytes]:
    """Everything that happens in an organization, each event as ``wire`` shows it to this reader.

    ``again`` comes when something was left out and the page must be looked at anew. The stream ends at ``until`` (of
    the monotonic clock; the browser comes back), or with ``ended`` and its reason when the seat is ended.
    """
    yield PADDING + RETRY
    seq, known, missed, whole = await in_feed_thread(organization_id, lambda: _missed(since))
    # The hub may still hand over what is known by now: a number of the past that is not known came late, and is news.
    window = Window(max(seq - OVERLAP, 0), known)
    yield _say("ready" if whole else "again", {}, seq) + b"".join(wire(item) for item in missed)
    while not seat.ended and time.monotonic() < until:
        heard = window.new(await seat.take(min(HEARTBEAT_SECONDS, max(until - time.monotonic(), 0.01))))
        if seat.overrun:
            seat.overrun = False
            yield _say("again", {}, heard[-1].seq if heard else seq)
        elif not seat.ended:
            yield b"".join(wire(item) for item in heard) or HEARTBEAT
    if seat.ended:
        yield _say("ended", {"reason": seat.ended})


def _missed(since: Since) -> tuple[int, set[int], list[News], bool]:
    """The newest number, all that are known, what the page did not see, and whether that is all of it."""
    newest = news.latest()
    # Before the reading: what is committed between the two is read, and known by that.
    known = set(news.numbers(newest - OVERLAP))
    # Numbers are shared by all organizations: a gap says how much may have happened, without counting.
    if since.seq is not None and newest - since.seq > news.REACH:
        return newest, known, [], False
    found = news.read_since(since.seconds) if since.seq is None else news.read(after=since.seq)
    return newest, known | {item.seq for item in found}, found, True


def _say(event: str, data: dict[str, str], seq: int | None = None) -> bytes:
    number = f"id: {seq}\n" if seq is not None else ""
    return f"{number}event: {event}\ndata: {json.dumps(data)}\n\n".encode()
