"""Django's part of the web process: whole requests in a few lasting threads, each with its warm database connections.

Stock Django under ASGI makes a thread for every request, and with it connections that die with the thread, later than
new ones come. Here a request makes one hop into a bounded pool, a stream leaves its thread with the headers, and what
comes above the pool waits its turn.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Each holds at most a connection as the application and one as the system role, of PostgreSQL's hundred.
THREADS: Final = 16


class Handler(ASGIHandler):
    """The same interface and the same signals as Django's own."""

    def __init__(self, *, threads: int = THREADS) -> None:
        # Not ASGIHandler's: that one prepares the middleware for asynchronous calls.
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Nothing of a request lives in its thread, so that its few other calls (signals, closing) may take any of them.
        async with ThreadSensitiveContext(executor=self._pool):
            await self.handle(scope, receive, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        answer: HttpResponseBase = await sync_to_async(self._respond)(request)
        return answer

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self.get_response(request)
        finally:
            close_old_connections()
