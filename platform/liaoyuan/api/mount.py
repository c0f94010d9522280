"""Sends a request to the application that owns the beginning of its path, and bounds what may be sent to all others."""

from collections.abc import Mapping

from liaoyuan.api.asgi import AsgiApp, BodyTooLarge, Message, Receive, Scope, Send, header, json_send, language_of

# An upload of a gigabyte, and the lines around its files.
LARGEST_BODY = (1 << 30) + (1 << 20)


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


class _Limited:
    """``receive`` that hangs up on a caller whose body passes ``limit`` bytes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}
