"""Every error of ``/api/v1`` as problem+json (RFC 9457) with a stable code, in the caller's language."""

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from liaoyuan.api.asgi import BodyTooLarge, language_of
from liaoyuan.api.rest.sentences import field_sentence
from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound
from liaoyuan.pipeline.errors import InternalFault

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json; charset=utf-8"


class Malformed(LiaoyuanError):
    code = "malformed_request"
    zh = "请求无法解析（例如 JSON 格式错误）。请检查后重试。"
    en = "The request cannot be read (malformed JSON, for example). Check it and try again."


def request_language(request: HttpRequest) -> str:
    """ "zh" or "en", from Accept-Language."""
    return language_of(request.headers.get("Accept-Language", ""))


def problem(request: HttpRequest, error: LiaoyuanError, **more: Any) -> HttpResponse:
    """The answer for ``error``. It names no path and no id, so that a stranger's and a missing one look the same."""
    body = {
        "type": f"urn:liaoyuan:problem:{error.code}",
        "status": error.status,
        "code": error.code,
        "detail": error.sentence(request_language(request)),
        "retryable": error.retryable,
        **more,
    }
    payload = json.dumps(body, ensure_ascii=False)
    response = HttpResponse(payload, status=error.status, content_type=CONTENT_TYPE)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def problems_install(api: NinjaAPI) -> None:
    """Let ``api`` answer every exception as a problem."""
    for kind, answer in ANSWERS.items():
        api.add_exception_handler(kind, answer)


def _expected(request: HttpRequest, error: LiaoyuanError) -> HttpResponse:
    return problem(request, error)


def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(request, NotFound())


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    language = request_language(request)
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": field_sentence(item, language)}
        for item in error.errors
    ]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in fields)
    return problem(request, InvalidInput(detail=detail), errors=fields)


def _weak(request: HttpRequest, error: DjangoValidationError) -> HttpResponse:
    return problem(request, InvalidInput(detail=" ".join(error.messages)))


def _large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(request, BodyTooLarge(limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


def _malformed(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, Malformed())


def _fault(request: HttpRequest, error: Exception) -> HttpResponse:
    reference = request.headers.get("X-Request-Id") or uuid.uuid4().hex[:12]
    logger.error("request failed, reference %s", reference, exc_info=error)
    return problem(request, InternalFault(reference=reference))


ANSWERS: Final[dict[type[Exception], Callable[..., HttpResponse]]] = {
    LiaoyuanError: _expected,
    Http404: _missing,
    ValidationError: _invalid,
    DjangoValidationError: _weak,
    RequestDataTooBig: _large,
    HttpError: _malformed,
    SuspiciousOperation: _malformed,
    MultiPartParserError: _malformed,
    UnreadablePostError: _malformed,
    Exception: _fault,
}
