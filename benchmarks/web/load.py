"""A closed loop of keep-alive connections over bare sockets: cheap, so that the server is what is measured."""

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """``rate`` answers a second, ``p50`` and ``p95`` in ms; ``answers`` counts those of the warming up as well."""

    rate: float
    p50: float
    p95: float
    errors: int
    size: int
    answers: int


def measure(port: int, path: str, headers: dict[str, str], *, connections: int, seconds: float) -> Measured:
    return asyncio.run(_measure(port, path, headers, connections, seconds))


async def _measure(port: int, path: str, headers: dict[str, str], connections: int, seconds: float) -> Measured:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{key}: {value}" for key, value in headers.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    # Warm: code, connections and caches are there in a server that has run for a minute.
    warm = await asyncio.gather(*(_client(port, request, time.perf_counter() + 1.0) for _ in range(connections)))
    began = time.perf_counter()
    found = await asyncio.gather(*(_client(port, request, began + seconds) for _ in range(connections)))
    took = time.perf_counter() - began
    times = sorted(each for times, _, _ in found for each in times)
    return Measured(
        rate=len(times) / took,
        p50=1000 * times[len(times) // 2],
        p95=1000 * times[int(len(times) * 0.95)],
        errors=sum(errors for _, errors, _ in found),
        size=max(size for _, _, size in found),
        answers=sum(len(times) for times, _, _ in [*warm, *found]),
    )


async def _client(port: int, request: bytes, until: float) -> tuple[list[float], int, int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times, errors, size = [], 0, 0
    while (began := time.perf_counter()) < until:
        writer.write(request)
        status, size = await answer_read(reader)
        times.append(time.perf_counter() - began)
        errors += status != 200
    writer.close()
    return times, errors, size


async def answer_read(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Status and size of one answer, with a length or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, size = int(head.split(b" ", 2)[1]), 0
    if b"transfer-encoding: chunked" not in head:
        size = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(size)
        return status, size
    while length := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(length + 2)
        size += length
    await reader.readuntil(b"\r\n")
    return status, size
