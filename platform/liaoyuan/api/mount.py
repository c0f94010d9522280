"""Sends a request to the application that owns the beginning of its path."""

from collections.abc import Mapping

from liaoyuan.api.asgi import AsgiApp, Receive, Scope, Send


class Mount:
    """``prefixes`` maps a path's beginning ("/v1") to its application; ``otherwise`` gets all the rest."""

    def __init__(self, prefixes: Mapping[str, AsgiApp], *, otherwise: AsgiApp) -> None:
        self._prefixes = dict(prefixes)
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, application in self._prefixes.items():
                if path == prefix or path.startswith(f"{prefix}/"):
                    await application(scope, receive, send)
                    return
        await self._otherwise(scope, receive, send)
