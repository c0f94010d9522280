"""``/health/live``, ``/health/ready`` and ``/metrics``, beside Django: probes come by address and by plain HTTP."""

import asyncio
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from liaoyuan.accounts.resolver import BEARER, NotAuthenticated
from liaoyuan.api.asgi import Receive, Scope, Send, bytes_send, header, in_thread, json_send, language_of
from liaoyuan.api.health.checks import Check, checks_run
from liaoyuan.errors import LiaoyuanError, NotFound

logger = logging.getLogger(__name__)
# Anybody may ask, so the machine answers at most once in this time.
FRESH_SECONDS: Final = 1.0
PORT: Final = re.compile(r":\d+$")
SHORTEST_TOKEN: Final = 32
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")


class HealthApp:
    """The operator's three pages. ``token_file`` holds the bearer token for metrics asked from elsewhere."""

    def __init__(self, *, token_file: Path | None = None) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="health")
        self._token_file = token_file or Path(settings.VAR) / "secrets" / "metrics_token"
        self._lock = asyncio.Lock()
        self._found: list[Check] = []
        self._found_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = language_of(header(scope, "accept-language"))
        pages = {"/health/live": self._live, "/health/ready": self._ready, "/metrics": self._metrics}
        try:
            page = pages.get(scope["path"].rstrip("/"))
            if page is None or scope["method"] not in {"GET", "HEAD"}:
                raise NotFound
            await page(scope, send, language)
        except LiaoyuanError as error:
            await json_send(send, error.status, error.as_dict(language))

    async def _live(self, scope: Scope, send: Send, language: str) -> None:
        await json_send(send, 200, {"status": "live"})

    async def _ready(self, scope: Scope, send: Send, language: str) -> None:
        async with self._lock:
            if time.monotonic() - self._found_at > FRESH_SECONDS:
                self._found = await in_thread(self._pool, checks_run)
                self._found_at = time.monotonic()
            found = self._found
        ok = all(check.ok for check in found if check.required)
        body = {"status": "ready" if ok else "not_ready", "checks": [check.as_dict(language) for check in found]}
        await json_send(send, 200 if ok else 503, body)

    async def _metrics(self, scope: Scope, send: Send, language: str) -> None:
        if not (_is_local(scope) or self._has_token(scope)):
            raise NotAuthenticated
        page = await in_thread(self._pool, generate_latest)
        await bytes_send(send, 200, page, CONTENT_TYPE_LATEST)

    def _has_token(self, scope: Scope) -> bool:
        """A missing or short file opens nothing."""
        sent = header(scope, "authorization")
        if not sent.lower().startswith(BEARER) or not self._token_file.is_file():
            return False
        token = self._token_file.read_text(encoding="utf-8").strip()
        return len(token) >= SHORTEST_TOKEN and constant_time_compare(sent[len(BEARER) :], token)


def _is_local(scope: Scope) -> bool:
    """Asked on this machine: not through a proxy on it, nor by a page whose name was bound anew to loopback."""
    client = scope.get("client") or ("", 0)
    host = PORT.sub("", header(scope, "host"))
    direct = not any(header(scope, name) for name in FORWARDED)
    return direct and host in LOCAL_NAMES and _loopback(client[0])


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
