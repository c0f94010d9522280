"""``/v1`` as a small ASGI application of its own, beside Django's middleware, over the same services.

A generated answer is checked sentence by sentence before a word of it is shown; a stream speaks in comments (which keep
proxies from closing it) until the first sentence stands, then sends each as soon as it does.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from liaoyuan.accounts.policy import Principal
from liaoyuan.api.asgi import (
    ClientGone,
    Receive,
    Scope,
    Send,
    body_read,
    header,
    in_thread,
    json_send,
    language_of,
    response_start,
)
from liaoyuan.api.limits import Class
from liaoyuan.api.openai import answers, service
from liaoyuan.api.openai.errors import (
    MethodRefused,
    TooBusy,
    UnknownAddress,
    error_body,
    error_headers,
)
from liaoyuan.api.openai.schemas import ChatRequest, EmbeddingsRequest, RetrieveRequest, request_read
from liaoyuan.deployment.answering import Answered
from liaoyuan.deployment.models import Deployment
from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.errors import InternalFault

logger = logging.getLogger(__name__)
T = TypeVar("T")
MODELS: Final = "/v1/models"
CHAT: Final = "/v1/chat/completions"
RETRIEVE: Final = "/v1/retrieve"
EMBEDDINGS: Final = "/v1/embeddings"
POSTED: Final = frozenset({CHAT, RETRIEVE, EMBEDDINGS})


class OpenAIApp:
    """The endpoints of ``/v1``.

    ``threads`` answers are made at a time and ``waiting`` more may wait; what comes above is told to come back (429).
    """

    def __init__(
        self, *, threads: int = 8, waiting: int = 56, body_limit: int = 1 << 20, keep_alive_seconds: float = 5.0
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="v1")
        # Authentication must not queue behind answers that take seconds.
        self._door = ThreadPoolExecutor(4, thread_name_prefix="v1-door")
        self._places = threads + waiting
        self._taken = 0
        self._body_limit = body_limit
        self._keep_alive_seconds = keep_alive_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = language_of(header(scope, "accept-language"))
        guarded = _Guarded(send)
        try:
            await self._route(scope, receive, guarded, language)
        except ClientGone:
            return
        except LiaoyuanError as error:
            await guarded.fail(error, language)
        except Exception:
            reference = uuid.uuid4().hex[:12]
            logger.exception("a /v1 request failed, reference %s", reference)
            await guarded.fail(InternalFault(reference=reference), language)

    async def _route(self, scope: Scope, receive: Receive, send: Send, language: str) -> None:
        path, method = scope["path"].rstrip("/"), scope["method"]
        wanted = "POST" if path in POSTED else "GET"
        known = path in POSTED or path == MODELS or path.startswith(f"{MODELS}/")
        authorization = header(scope, "authorization")
        kind: Class = "ask" if path in POSTED else "read"
        principal = await in_thread(self._door, lambda: service.caller(authorization, kind))
        if not known:
            raise UnknownAddress
        if method != wanted:
            raise MethodRefused(allowed=wanted)
        if path == CHAT:
            await self._chat(principal, receive, send, language)
        elif path in POSTED:
            await self._found(path, principal, receive, send)
        elif path == MODELS:
            listed = await in_thread(self._door, lambda: service.models(principal))
            await json_send(send, 200, {"object": "list", "data": listed})
        else:
            name = unquote(path.removeprefix(f"{MODELS}/"))
            await json_send(send, 200, await in_thread(self._door, lambda: service.model(principal, name)))

    async def _found(self, path: str, principal: Principal, receive: Receive, send: Send) -> None:
        """Search and embeddings: one answer, in the same places as the chat's."""
        body = await body_read(receive, limit=self._body_limit)
        if path == RETRIEVE:
            wanted = request_read(RetrieveRequest, body)
            work = partial(service.retrieve, principal, wanted)
        else:
            asked = request_read(EmbeddingsRequest, body)
            work = partial(service.embeddings, principal, asked)
        with self._place():
            await json_send(send, 200, await in_thread(self._pool, work))

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place among those who may wait. Raises TooBusy."""
        if self._taken >= self._places:
            raise TooBusy
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def _chat(self, principal: Principal, receive: Receive, send: Send, language: str) -> None:
        request = request_read(ChatRequest, await body_read(receive, limit=self._body_limit))
        # Asked here, so that a request without a question is refused before anything is looked up.
        _ = request.question
        deployment = await in_thread(self._door, lambda: service.deployment_of(principal, request.model))
        with self._place():
            told = _Told(asyncio.get_running_loop()) if request.stream else None
            work = asyncio.ensure_future(self._answer(principal, deployment, request, told))
            if told is not None:
                await self._stream(work, told, request, receive, send, language)
            else:
                await self._whole(work, request, receive, send)

    async def _answer(
        self, principal: Principal, deployment: Deployment, request: ChatRequest, told: "_Told | None"
    ) -> Answered:
        tell, trace_id = (told.tell, told.trace_id) if told else (None, None)
        work = partial(service.chat, principal, deployment, request, tell=tell, trace_id=trace_id)
        return await in_thread(self._pool, work)

    async def _whole(
        self, work: "asyncio.Future[Answered]", request: ChatRequest, receive: Receive, send: Send
    ) -> None:
        answered = await _unless_gone(work, receive)
        await json_send(send, 200, answers.completion(answered, request.model))

    async def _stream(
        self,
        work: "asyncio.Future[Answered]",
        told: "_Told",
        request: ChatRequest,
        receive: Receive,
        send: Send,
        language: str,
    ) -> None:
        """The status is sent at once; a failure after it is an event with an ``error``, as OpenAI's clients expect."""
        await response_start(send, 200, "text/event-stream; charset=utf-8", {"x-accel-buffering": "no"})
        stream = answers.Stream(told.trace_id, request.model, request.include_usage, int(time.time()))
        beat = asyncio.ensure_future(self._beat(send))
        passing = asyncio.ensure_future(told.pass_on(stream, send))
        try:
            answered = await _unless_gone(work, receive)
            # What was told before the end came may still lie in the queue.
            await told.drain()
        except LiaoyuanError as error:
            await _last(send, answers.event(error_body(error, language)) + answers.DONE)
            return
        finally:
            for task in (beat, passing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if not told.text:
            await send({"type": "http.response.body", "body": stream.role(), "more_body": True})
        for chunk in stream.rest(answered, told.text):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await _last(send, b"")

    async def _beat(self, send: Send) -> None:
        while True:
            await send({"type": "http.response.body", "body": answers.KEEP_ALIVE, "more_body": True})
            await asyncio.sleep(self._keep_alive_seconds)


class _Told:
    """What the answering thread has told so far, on its way into one stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.trace_id = uuid.uuid4()
        self.text = ""
        self._loop = loop
        self._pieces: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, piece: str) -> None:
        """From the answering thread."""
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def pass_on(self, stream: answers.Stream, send: Send) -> None:
        """Send each piece as it comes, until cancelled."""
        while True:
            piece = await self._pieces.get()
            opening = b"" if self.text else stream.role()
            self.text += piece
            body = opening + stream.piece(piece)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            self._pieces.task_done()

    async def drain(self) -> None:
        """Until everything told was sent."""
        await asyncio.sleep(0)
        await self._pieces.join()


class _Guarded:
    """``send`` that knows whether the answer has begun: after that, an error can only end it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Any) -> None:
        self._begun = self._begun or message["type"] == "http.response.start"
        await self._send(message)

    async def fail(self, error: LiaoyuanError, language: str) -> None:
        if self._begun:
            await _last(self._send, answers.event(error_body(error, language)) + answers.DONE)
        else:
            await json_send(self._send, error.status, error_body(error, language), error_headers(error))


async def _last(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _unless_gone(work: "asyncio.Future[T]", receive: Receive) -> T:
    """The result of ``work``; when the caller leaves first, what has not begun is cancelled. Raises ClientGone."""
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        both: set[asyncio.Future[Any]] = {work, leaving}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise ClientGone
    finally:
        leaving.cancel()
        work.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
