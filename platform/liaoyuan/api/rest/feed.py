"""Live events over HTTP. A stream is looked at again while it lives: a revoked key or a lost role ends it."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, StreamingHttpResponse

from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.api.rest.door import caller
from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.feed import event_stream
from liaoyuan.pipeline.selectors import run_get, solution_get

# The stream itself speaks at least every 15 s.
CHECK_SECONDS = 10.0
LONGEST_NUMBER = 19
EXAMPLE: Final = 'id: 4711\nevent: progress\ndata: {"seq": 4711, "kind": "progress", "progress": 0.42}\n\n'
# How the description names a stream.
STREAM: Final[dict[str, Any]] = {
    "responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string", "examples": [EXAMPLE]}}}}}
}


def feed_response(
    request: HttpRequest,
    principal: Principal,
    action: str,
    *,
    run_id: UUID | None = None,
    solution_id: UUID | None = None,
    after: int = 0,
) -> StreamingHttpResponse:
    """The events of one run or one solution. Raises NotFound before the first byte for a stranger's."""
    with tenant_context(principal.organization_id, principal.user_id):
        if run_id is not None:
            run_get(run_id)
        if solution_id is not None:
            solution_get(solution_id)
    last = request.headers.get("Last-Event-ID", "")
    events = event_stream(
        principal.organization_id,
        user_id=principal.user_id,
        after_seq=int(last) if last.isdecimal() and len(last) < LONGEST_NUMBER else max(after, 0),
        run_id=run_id,
        solution_id=solution_id,
    )
    body = while_allowed(events, lambda: _still(request, principal, action))
    response = StreamingHttpResponse(body, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def while_allowed(
    events: AsyncIterator[bytes], allowed: Callable[[], bool], *, every: float = CHECK_SECONDS
) -> AsyncIterator[bytes]:
    """``events`` until ``allowed`` says no; asked when something is to be sent and ``every`` seconds have passed."""
    asked = time.monotonic()
    async for event in events:
        if time.monotonic() - asked >= every:
            if not await sync_to_async(allowed)():
                return
            asked = time.monotonic()
        yield event


def _still(request: HttpRequest, before: Principal, action: str) -> bool:
    try:
        now = caller(request)
        if now.channel == "session" and not _signed_in(request):
            return False
        require(now, action)
    except LiaoyuanError:
        return False
    return now.organization_id == before.organization_id


def _signed_in(request: HttpRequest) -> bool:
    """Whether the session still stands: signing out removes its row."""
    key = request.session.session_key
    return key is not None and request.session.exists(key)
