"""Server-sent events that survive a broken connection: the next one begins after the last event that was seen."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from liaoyuan_client.errors import Unreachable, problem_of
from liaoyuan_client.transport import Transport, pause

# The server speaks at least every 15 seconds.
SILENCE = 45.0
# The kind of the event after which nothing comes: the run has reached the state it names.
END = "end"


@dataclass(frozen=True)
class Event:
    """One event of a run: its number, its kind (``running``, ``progress``, ``succeeded`` …) and its data."""

    seq: int
    kind: str
    data: dict[str, Any]


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Events from the lines of a stream; comments keep it open and say nothing."""
    seq, kind, data = 0, "message", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(seq, kind, json.loads("\n".join(data)))
            kind, data = "message", []
        elif name == "id" and value.isdigit():
            seq = int(value)
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def follow(transport: Transport, path: str, *, after: int = 0) -> Iterator[Event]:
    """Events of ``path`` until the server says ``end``; after a break the stream is opened anew where it stood.

    Raises Problem where the server refuses, Unreachable after too many breaks without an event between them.
    """
    broken = 0
    while True:
        headers = transport.headers | {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(after)} if after else {})
        timeout = httpx.Timeout(30.0, read=SILENCE)
        try:
            with transport.http.stream("GET", transport.url + path, headers=headers, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise problem_of(response)
                for event in parse(response.iter_lines()):
                    if event.kind == END:
                        return
                    after, broken = event.seq, 0
                    yield event
        except httpx.TransportError as error:
            if broken >= transport.retries:
                raise Unreachable(f"{path}: {error}") from error
        broken += 1
        if broken > transport.retries:
            raise Unreachable(f"{path}: the stream ends again and again")
        transport.sleep(pause(broken, None))
