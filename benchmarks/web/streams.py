"""Five hundred open pages: what they cost when nothing happens, and how late they hear what does."""

import asyncio
import json
import time
from dataclasses import dataclass

from benchmarks.web.house import Web
from benchmarks.web.seed import Seeded

STREAMS_EACH = 5
IDLE_SECONDS = 20
EVENTS = 20
LATEST_SECONDS = 60


@dataclass(frozen=True)
class Streams:
    """``idle_cpu`` in percent of one core, ``late`` in ms from the commit to the reader, ``rss`` in MB."""

    open: int
    idle_cpu: float
    late_p50: float
    late_p95: float
    rss_before: float
    rss_open: float
    rss_after: float


def measure(web: Web, seeded: Seeded) -> Streams:
    return asyncio.run(_measure(web, seeded))


async def _measure(web: Web, seeded: Seeded) -> Streams:
    before = web.rss()
    heard: list[float] = []
    opened = [asyncio.Event() for cookie in seeded.cookies for _ in range(STREAMS_EACH)]
    cookies = [cookie for cookie in seeded.cookies for _ in range(STREAMS_EACH)]
    readers = []
    for cookie, event in zip(cookies, opened, strict=True):
        readers.append(asyncio.create_task(_listen(web.port, cookie, event, heard)))
        # People open their pages one after another.
        await asyncio.sleep(0.01)
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in opened)), 300)
    await asyncio.sleep(3)
    rss, cpu = web.rss(), web.cpu()
    await asyncio.sleep(IDLE_SECONDS)
    idle = 100 * (web.cpu() - cpu) / IDLE_SECONDS
    for _ in range(EVENTS):
        await asyncio.to_thread(_write, seeded)
        await asyncio.sleep(1.0)
    end = time.monotonic() + LATEST_SECONDS
    while len(heard) < EVENTS * len(readers) and time.monotonic() < end:
        await asyncio.sleep(0.1)
    after = web.rss()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    missing = EVENTS * len(readers) - len(heard)
    assert missing == 0, f"{missing} deliveries are missing"
    heard.sort()
    return Streams(
        len(readers), idle, 1000 * heard[len(heard) // 2], 1000 * heard[int(len(heard) * 0.95)], before, rss, after
    )


async def _listen(port: int, cookie: str, opened: asyncio.Event, heard: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
    async for line in reader:
        if line.startswith(b"event: ready"):
            opened.set()
        elif line.startswith(b"data: {") and b'"sent"' in line:
            heard.append(time.time() - json.loads(line[6:])["sent"])


def _write(seeded: Seeded) -> None:
    from django.db import connections

    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.events import event_write

    with tenant_context(seeded.organization_id):
        data = {"sent": time.time()}
        event_write(run_id=seeded.run_id, organization_id=seeded.organization_id, kind="progress", data=data)
    connections.close_all()
