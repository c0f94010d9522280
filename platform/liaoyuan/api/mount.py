"""Sends a request to the application that owns the beginning of its path, and bounds what may be sent to all others.

Every answer carries ``X-Request-Id``: the caller's own, where it is a sane one, else a new one. Logs name it.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Final

from liaoyuan.api.asgi import AsgiApp, BodyTooLarge, Message, Receive, Scope, Send, header, json_send, language_of

# An upload of a gigabyte, and the lines around its files.
LARGEST_BODY: Final = (1 << 30) + (1 << 20)
REQUEST_ID: Final = "x-request-id"
SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Mount:
    """``prefixes`` maps a path's beginning ("/v1") to its application; ``otherwise`` gets all the rest.

    Django spools a whole body to disk before a view sees it: above ``body_limit`` bytes it is refused (413) unread, and
    a body without a length is cut there.
    """

    def __init__(self, prefixes: Mapping[str, AsgiApp], *, otherwise: AsgiApp, body_limit: int = LARGEST_BODY) -> None:
        self._prefixes = dict(prefixes)
        self._otherwise = otherwise
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        send = _named(scope, send)
        path = scope["path"]
        for prefix, application in self._prefixes.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                await application(scope, receive, send)
                return
        length = header(scope, "content-length")
        if length.isdecimal() and int(length) > self._body_limit:
            error = BodyTooLarge(limit=self._body_limit)
            await json_send(send, error.status, error.as_dict(language_of(header(scope, "accept-language"))))
            return
        await self._otherwise(scope, _Limited(receive, self._body_limit), send)


def _named(scope: Scope, send: Send) -> Send:
    """Give the request its id, for the applications behind and for the answer."""
    sent = header(scope, REQUEST_ID)
    name = sent if SANE_ID.fullmatch(sent) else uuid.uuid4().hex
    pair = (REQUEST_ID.encode(), name.encode())
    scope["headers"] = [*(item for item in scope["headers"] if item[0] != pair[0]), pair]

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), pair]
        await send(message)

    return named


class _Limited:
    """``receive`` that hangs up on a caller whose body passes ``limit`` bytes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}
