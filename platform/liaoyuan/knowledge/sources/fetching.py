"""One GET that no address can turn against us: checked, bounded, without cookies, and nothing else is loaded."""

import socket
import ssl
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from liaoyuan.knowledge.sources.addresses import Target, host_allowed, resolved, target_of
from liaoyuan.knowledge.sources.errors import ItemTooLarge, PageRefused, SourceUnreachable

AGENT: Final = "Liaoyuan-Sync/1.0 (self-hosted document platform; fetches single pages on a person's request)"
SECONDS: Final = 30.0
_STEP_SECONDS: Final = 10.0
_REDIRECTS: Final = 5
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
# More than this many bytes out of one byte in is a bomb, not a page.
_RATIO: Final = 100
_RATIO_FREE: Final = 1 << 20
TYPES: Final[dict[str, str]] = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``status`` 200 with a body, or 304 without one."""

    url: str
    status: int
    headers: dict[str, str]
    suffix: str = ""
    blocks: Iterable[bytes] = ()


class _Checked(httpcore.SyncBackend):
    """Connects to the addresses that were checked, whatever the name would resolve to now."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: Exception | None = None
        for address in self._addresses[:3]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                last = error
        raise last or httpcore.ConnectError(host)


def page_open(url: str, *, headers: dict[str, str], limit: int) -> Generator[Answer, None, None]:
    """A generator of one answer, whose blocks are to be read before it goes on (it then closes the connection).

    Every redirect is checked as the first address was. Raises PageRefused, SourceNotAllowed, SourceUnreachable,
    ItemTooLarge.
    """
    ends = time.monotonic() + SECONDS
    target = target_of(url)
    for _step in range(_REDIRECTS + 1):
        addresses = resolved(target, intranet=host_allowed(target))
        with httpcore.ConnectionPool(network_backend=_Checked(addresses), ssl_context=_tls()) as pool:
            try:
                with pool.stream(
                    "GET", _plain(target), headers=_sent(target, headers), extensions={"timeout": _timeouts(ends)}
                ) as response:
                    found = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in response.headers}
                    if response.status not in _MOVED:
                        yield _answer(target, response, found, limit, ends)
                        return
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
                raise SourceUnreachable(place=target.url, detail=_why(error)) from error
        target = target_of(found.get("location", ""), target.url)
    raise PageRefused(url=url[:200], why_zh="重定向次数过多", why_en="it redirects too many times")


def _plain(target: Target) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.target.encode()
    )


def _sent(target: Target, headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    own = {
        "Host": target.host_header,
        "User-Agent": AGENT,
        "Accept": ", ".join(TYPES),
        "Accept-Encoding": "gzip, identity",
    }
    return [(key.encode(), value.encode("latin-1", "ignore")) for key, value in (own | headers).items()]


def _timeouts(ends: float) -> dict[str, float]:
    step = max(0.1, min(_STEP_SECONDS, ends - time.monotonic()))
    return {"connect": step, "read": step, "write": step, "pool": step}


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _why(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException | socket.timeout):
        return "timeout"
    return str(error)[:120] or type(error).__name__


def _answer(target: Target, response: httpcore.Response, headers: dict[str, str], limit: int, ends: float) -> Answer:
    if response.status == 304:
        return Answer(target.url, 304, headers)
    if response.status != 200:
        raise SourceUnreachable(place=target.url, detail=f"HTTP {response.status}")
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in TYPES:
        raise PageRefused(url=target.url[:200], why_zh=f"内容类型 {kind[:60] or '未知'} 不受支持",
                          why_en=f"content of type {kind[:60] or 'unknown'} is not taken")  # fmt: skip
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise ItemTooLarge(limit=limit >> 20)
    blocks = _unpacked(_timed(response, target, ends), headers.get("content-encoding", "").strip().lower(), target)
    return Answer(target.url, 200, headers, TYPES[kind], blocks)


def _timed(response: httpcore.Response, target: Target, ends: float) -> Iterator[bytes]:
    """A server that sends a byte now and then is cut off like one that sends none."""
    stream = response.iter_stream()
    for block in stream:
        if time.monotonic() > ends:
            raise SourceUnreachable(place=target.url, detail="timeout")
        yield block


def _unpacked(blocks: Iterator[bytes], encoding: str, target: Target) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        yield from blocks
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise PageRefused(url=target.url[:200], why_zh="压缩方式不受支持", why_en="its compression is not supported")
    packed, unpacked = 0, 0
    opened = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for block in blocks:
        packed += len(block)
        while block:
            try:
                out = opened.decompress(block, 1 << 16)
            except zlib.error as error:
                raise SourceUnreachable(place=target.url, detail="gzip") from error
            unpacked += len(out)
            if unpacked > _RATIO_FREE and unpacked > packed * _RATIO:
                raise PageRefused(url=target.url[:200], why_zh="压缩内容异常膨胀", why_en="it is a compression bomb")
            yield out
            block = opened.unconsumed_tail
