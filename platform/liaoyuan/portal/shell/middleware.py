"""Shows times and words as the reader wants them: their setting, else what their browser says, else the house's."""

import zoneinfo
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware

COOKIE = "tz"
LONGEST = 64


def zone_named(name: object) -> zoneinfo.ZoneInfo | None:
    """The time zone of that name; None for anything that is not one."""
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def has_preferences() -> bool:
    """Whether people can set a zone or a language of their own; without, nobody's row is read for it."""
    return any(hasattr(get_user_model(), name) for name in ("time_zone", "language"))


@contextmanager
def _preferred(request: HttpRequest, user: Any) -> Iterator[None]:
    zone = zone_named(getattr(user, "time_zone", None)) or zone_named(_cookie(request))
    language = getattr(user, "language", None)
    # A click on the switch in the bar is newer than a setting: its cookie is left to Django's own middleware.
    if language in dict(settings.LANGUAGES) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(language)
        request.LANGUAGE_CODE = language
    with timezone.override(zone or timezone.get_default_timezone()):
        yield


def _cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(COOKIE, "").replace("%2F", "/").replace("%2B", "+")


@sync_and_async_middleware
def preferences(
    get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Any]:
    """Middleware; behind the session and the language."""
    if iscoroutinefunction(get_response):

        async def run_async(request: HttpRequest) -> HttpResponse:
            user = await request.auser() if has_preferences() else None
            with _preferred(request, user):
                return await get_response(request)  # type: ignore[no-any-return]

        return run_async

    def run(request: HttpRequest) -> HttpResponse:
        with _preferred(request, request.user if has_preferences() else None):
            return get_response(request)  # type: ignore[return-value]

    return run
