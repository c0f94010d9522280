"""The little of HTTP that the endpoints beside Django's middleware need: read a bounded body, answer JSON, run threads.

They carry no cookie and no session, so that nothing a browser holds can ever authenticate here.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from django.db import close_old_connections
from django.utils.translation.trans_real import parse_accept_lang_header

from liaoyuan.errors import LiaoyuanError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Frameworks disagree on the finer types of the three arguments.
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
T = TypeVar("T")

PROTECTIVE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class BodyTooLarge(LiaoyuanError):
    code = "body_too_large"
    zh = "请求超过 {limit} 字节。请缩短内容，或通过文档上传接口提交文件。"
    en = "The request is larger than {limit} bytes. Shorten it, or upload files as documents."
    status = 413


class ClientGone(Exception):
    """The caller closed the connection: nobody waits for an answer any more."""


def header(scope: Scope, name: str) -> str:
    """One request header as text; empty where it is missing. A repeated one is refused by being empty."""
    found = [value for key, value in scope["headers"] if key == name.encode()]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def language_of(accept: str) -> str:
    """ "zh" or "en": the first of the two that ``Accept-Language`` names; Chinese where it names neither."""
    for tag, _ in parse_accept_lang_header(accept[:500].lower()):
        if tag.startswith(("zh", "en")):
            return tag[:2]
    return "zh"


async def body_read(receive: Receive, *, limit: int) -> bytes:
    """The whole request body. Raises BodyTooLarge as soon as it passes ``limit`` bytes, ClientGone."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge(limit=limit)
        if not message.get("more_body"):
            return b"".join(parts)


async def json_send(send: Send, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Answer with JSON in UTF-8."""
    payload = json.dumps(body, ensure_ascii=False, default=str).encode()
    await bytes_send(send, status, payload, "application/json; charset=utf-8", headers)


async def bytes_send(
    send: Send, status: int, payload: bytes, content_type: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with a whole body."""
    length = {"content-length": str(len(payload))}
    await response_start(send, status, content_type, {**(headers or {}), **length})
    await send({"type": "http.response.body", "body": payload})


async def response_start(send: Send, status: int, content_type: str, headers: Mapping[str, str] | None = None) -> None:
    """The status line and headers; the protective ones always."""
    rows = [(b"content-type", content_type.encode()), *PROTECTIVE]
    rows += [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": rows})


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run blocking ``work`` in ``pool``, whose threads keep their database connections; dead ones are dropped."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: context.run(_tidily, work))


def _tidily(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
