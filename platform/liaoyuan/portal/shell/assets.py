"""Static files: addresses that change with the content, and the application beside Django that serves them.

A browser keeps a file with a version in its address for a year; without one it asks again each time (and mostly hears
304). Files are compressed once: by the build into ``.br``, else here with gzip, and kept in memory: there are few.
"""

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.exceptions import SuspiciousFileOperation

DIGITS: Final = 12
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
# Pictures and fonts are compressed already.
COMPRESSIBLE: Final = ("text/", "application/json", "application/javascript", "image/svg+xml")
WORTH_IT: Final = 512
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}

Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Asset:
    """One file in memory: its kind, its digest, and its bytes by content coding ("" is as it is)."""

    kind: str
    digest: str
    bodies: Mapping[str, bytes]

    def best(self, accepted: str) -> str:
        """The coding to send to somebody who accepts these."""
        names = {
            part.split(";")[0].strip() for part in accepted.lower().split(",") if "q=0" not in part.replace(" ", "")
        }
        return next((coding for coding in ("br", "gzip") if coding in self.bodies and coding in names), "")


class VersionedStorage(StaticFilesStorage):  # type: ignore[misc, unused-ignore]
    """``{% static 'css/app.css' %}`` → ``/static/css/app.css?v=…``, the digest of what is there now."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Every icon of a page asks for the same one.
        self._plain: dict[str, str] = {}

    def url(self, name: str | None) -> str:
        known = name or ""
        if known not in self._plain:
            self._plain[known] = str(super().url(name))
        path = file_of(known)
        return f"{self._plain[known]}?v={version(path)}" if path else self._plain[known]


_FOUND: Final[dict[str, Path]] = {}


def file_of(name: str) -> Path | None:
    """The file behind a static name; None where there is none (yet: only what is there is remembered)."""
    path = _FOUND.get(name) or _search(name)
    if path is None or not path.is_file():
        return None
    _FOUND[name] = path
    return path


def _search(name: str) -> Path | None:
    try:
        found = finders.find(name)
    except (SuspiciousFileOperation, ValueError):
        return None
    return Path(found) if isinstance(found, str) else None


def version(path: Path) -> str:
    """The beginning of the digest of the file as it is now."""
    state = path.stat()
    return _digest(path, state.st_mtime_ns, state.st_size)[:DIGITS]


@lru_cache(maxsize=4096)
def _digest(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=1024)
def _asset(path: Path, changed: int, size: int) -> Asset:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    content = path.read_bytes()
    bodies = {"": content}
    if kind.startswith(COMPRESSIBLE) and len(content) > WORTH_IT:
        bodies["gzip"] = gzip.compress(content, 9, mtime=0)
        made = path.with_name(f"{path.name}.br")
        if made.is_file() and made.stat().st_mtime_ns >= changed:
            bodies["br"] = made.read_bytes()
    if kind.startswith("text/") or kind.endswith(("javascript", "json")):
        kind += "; charset=utf-8"
    return Asset(kind, _digest(path, changed, size), bodies)


def asset_read(path: Path) -> Asset:
    """The file as it is now; read once for each of its contents."""
    state = path.stat()
    return _asset(path, state.st_mtime_ns, state.st_size)


class StaticApp:
    """ASGI application for the addresses below ``prefix``; GET and HEAD only."""

    def __init__(self, prefix: str = "/static/") -> None:
        self._prefix = prefix

    async def __call__(self, scope: Mapping[str, Any], _receive: Any, send: Send) -> None:
        path = file_of(scope["path"].removeprefix(self._prefix)) if scope["path"].startswith(self._prefix) else None
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, {"allow": "GET, HEAD"})
        elif path is None:
            await _answer(send, 404, {"content-type": "text/plain; charset=utf-8"}, b"404\n")
        else:
            await _serve(scope, send, await asyncio.to_thread(asset_read, path))


async def _serve(scope: Mapping[str, Any], send: Send, asset: Asset) -> None:
    asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
    coding = asset.best(asked.get(b"accept-encoding", ""))
    tag = f'"{asset.digest[:DIGITS]}{"-" + coding if coding else ""}"'
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
    headers = {"etag": tag, "cache-control": FOREVER if wanted == asset.digest[:DIGITS] else ASK_AGAIN} | HEADERS
    if tag in asked.get(b"if-none-match", ""):
        await _answer(send, 304, headers)
        return
    body = asset.bodies[coding]
    headers |= {"content-type": asset.kind, "content-length": str(len(body))}
    if coding:
        headers["content-encoding"] = coding
    await _answer(send, 200, headers, b"" if scope["method"] == "HEAD" else body)


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
