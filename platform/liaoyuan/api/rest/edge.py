"""What is the same for every request to ``/api/v1``, whichever view answers: methods, size, headers, a missing page."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path

from liaoyuan.api.asgi import BodyTooLarge
from liaoyuan.api.rest.problems import problem
from liaoyuan.errors import LiaoyuanError, NotFound

View = Callable[..., HttpResponseBase]
LARGEST_JSON: Final = 1 << 20
# One part of a file. Whole files come as multipart; the mount bounds them.
LARGEST_PART: Final = 8 << 20
BYTES: Final = "application/octet-stream"
MULTIPART: Final = "multipart/form-data"


class MethodNotAllowed(LiaoyuanError):
    code = "method_not_allowed"
    zh = "该地址不支持此方法，请用 {allowed}。"
    en = "This address does not take that method; use {allowed}."
    status = 405


def edge(view: View) -> View:
    """``view`` with HEAD and OPTIONS, a bound on JSON bodies, problems for wrong methods, and the common headers."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        head = request.method == "HEAD"
        if head:
            request.method = "GET"
        answer = _too_large(request) or view(request, *args, **kwargs)
        if answer.status_code == MethodNotAllowed.status and answer.has_header("Allow"):
            answer = _method(request, answer["Allow"])
        if head and answer.streaming:
            # Nobody reads the body of an answer to HEAD, and this one would never end.
            answer.close()
            answer = HttpResponse(status=answer.status_code, headers=dict(answer.items()))
        return _dressed(request, answer)

    return run


def missing(request: HttpRequest) -> HttpResponseBase:
    """Any other address below ``/api/v1``."""
    return _dressed(request, problem(request, NotFound()))


def edges(patterns: list[Any]) -> list[Any]:
    """The URL patterns of ninja behind the edge, and one for everything that is not there."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = edge(pattern.callback)
    return [*patterns, re_path(r"^.+$", missing)]


def _too_large(request: HttpRequest) -> HttpResponse | None:
    length = request.headers.get("Content-Length", "0")
    size = int(length) if length.isdecimal() else 0
    limit = LARGEST_PART if request.content_type == BYTES else LARGEST_JSON
    if request.content_type == MULTIPART or size <= limit:
        return None
    return problem(request, BodyTooLarge(limit=limit))


def _method(request: HttpRequest, allow: str) -> HttpResponse:
    allowed = {word.strip() for word in allow.split(",")} | {"OPTIONS"}
    names = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": names})
    answer = problem(request, MethodNotAllowed(allowed=names))
    answer["Allow"] = names
    return answer


def _dressed(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    found = getattr(request, "allowance", None)
    for name, value in (found.headers() if found is not None else {}).items():
        answer[name] = value
    # Answers depend on who asks and in which language: nobody in between may keep them.
    if not answer.has_header("Cache-Control"):
        answer["Cache-Control"] = "no-store"
    return answer
