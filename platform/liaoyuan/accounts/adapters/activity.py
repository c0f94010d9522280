"""When a session was last seen: written at most once a minute, so that looking at pages does not mean writing rows."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from allauth.usersessions.models import UserSession
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

SECONDS: Final = 60


@sync_and_async_middleware
def activity(
    get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Any]:
    """Middleware; behind the session and the user."""
    if iscoroutinefunction(get_response):

        async def run_async(request: HttpRequest) -> HttpResponse:
            if request.session.session_key:
                await sync_to_async(session_seen)(request)
            return await get_response(request)  # type: ignore[no-any-return]

        return run_async

    def run(request: HttpRequest) -> HttpResponse:
        if request.session.session_key:
            session_seen(request)
        return get_response(request)  # type: ignore[return-value]

    return run


def session_seen(request: HttpRequest) -> None:
    """Note that the session is alive, if that was not noted within the last minute."""
    # A session's key is a password: only its digest is written anywhere else.
    digest = hashlib.sha256(str(request.session.session_key).encode()).hexdigest()
    if request.user.is_authenticated and cache.add(f"session-seen:{digest}", 1, SECONDS):
        UserSession.objects.create_from_request(request)
