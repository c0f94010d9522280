"""Servers on loopback: pages that misbehave in every way we know of, and S3 as far as listing and reading go."""

import gzip
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from liaoyuan.knowledge.sources.signing import signed_headers

NOT_SIGNED = {"host", "x-amz-date", "x-amz-content-sha256"}
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def served(answer: Callable[[Any], Answer | None]) -> Iterator[str]:
    """``answer(handler)`` gives status, headers and body, or None where it wrote itself. Yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = answer(self)
            if found is None:
                return
            status, headers, body = found
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Site:
    """A web site with one good page and many bad ones; ``asked`` are the requests (path, headers)."""

    page: bytes = "<html><body><h1>公告</h1><p>夜班护士每班不得少于两人。</p></body></html>".encode()
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    elsewhere: str = ""

    def answer(self, handler: Any) -> Answer | None:
        self.asked.append((handler.path, {key.lower(): value for key, value in handler.headers.items()}))
        html = {"Content-Type": "text/html; charset=utf-8", "ETag": f'"{_md5(self.page)}"'}
        if handler.path == "/slow":
            return self._slow(handler)
        if handler.path == "/page" and handler.headers.get("If-None-Match") == html["ETag"]:
            return 304, {}, b""
        bomb = gzip.compress(b"0" * (40 << 20))
        answers: dict[str, Answer] = {
            "/page": (200, html | {"Set-Cookie": "a=b"}, self.page),
            "/packed": (200, html | {"Content-Encoding": "gzip"}, gzip.compress(self.page)),
            "/bomb": (200, html | {"Content-Encoding": "gzip"}, bomb),
            "/brotli": (200, html | {"Content-Encoding": "br"}, b"x"),
            "/binary": (200, {"Content-Type": "application/octet-stream"}, b"\x00" * 10),
            "/untyped": (200, {}, b"hello"),
            "/huge": (200, html | {"Content-Length": str(1 << 40)}, b""),
            "/moved": (302, {"Location": "/page"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/inside": (302, {"Location": self.elsewhere}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/user": (302, {"Location": "http://good@127.0.0.1/"}, b""),
            "/error": (500, {}, b""),
        }
        return answers.get(urlsplit(handler.path).path, (404, {}, b""))

    def _slow(self, handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(200):
            try:
                handler.wfile.write(b".")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass
class S3:
    """Buckets in memory; every request must carry a signature that is right for its key."""

    objects: dict[str, bytes] = field(default_factory=dict)
    bucket: str = "docs"
    access_key: str = "AKIATEST"
    secret_key: str = "a-secret-of-the-test"
    page: int = 2
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: Any) -> Answer:
        parts = urlsplit(handler.path)
        self.asked.append(handler.path)
        if not self._signed(handler, parts):
            return 403, {}, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        bucket, _, key = unquote(parts.path.lstrip("/")).partition("/")
        if bucket != self.bucket:
            return 404, {}, b"<Error><Code>NoSuchBucket</Code></Error>"
        if not key:
            return 200, {"Content-Type": "application/xml"}, self._list(dict(parse_qsl(parts.query)))
        if key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        etag = self._etag(key)
        if handler.headers.get("If-None-Match") == etag:
            return 304, {}, b""
        return 200, {"ETag": etag}, self.objects[key]

    def _etag(self, key: str) -> str:
        return f'"{_md5(self.objects[key])}"'

    def _signed(self, handler: Any, parts: Any) -> bool:
        from datetime import UTC, datetime

        given = handler.headers.get("Authorization", "")
        if f"Credential={self.access_key}/" not in given:
            return False
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        at = datetime.strptime(handler.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        own = {
            name: handler.headers[name] for name in names if name not in {"host", "x-amz-date", "x-amz-content-sha256"}
        }
        expected = signed_headers(
            method="GET", host=handler.headers["Host"], path=parts.path,
            query=parse_qsl(parts.query, keep_blank_values=True), headers=own, region="us-east-1",
            access_key=self.access_key, secret_key=self.secret_key, at=at,
        )  # fmt: skip
        return expected["authorization"] == given

    def _list(self, query: dict[str, str]) -> bytes:
        keys = sorted(key for key in self.objects if key.startswith(query.get("prefix", "")))
        start = int(query.get("continuation-token", "0"))
        shown, more = keys[start : start + self.page], start + self.page < len(keys)
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(self._etag(key))}</ETag><Size>{len(self.objects[key])}</Size></Contents>"
            for key in shown
        )
        token = f"<NextContinuationToken>{start + self.page}</NextContinuationToken>" if more else ""
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()
