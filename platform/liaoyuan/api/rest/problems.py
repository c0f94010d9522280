"""Every error of ``/api/v1`` as problem+json (RFC 9457) with a stable code, in the caller's language."""

import json
import logging
import uuid
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from liaoyuan.api.asgi import language_of
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

    @api.exception_handler(LiaoyuanError)
    def expected(request: HttpRequest, error: LiaoyuanError) -> HttpResponse:
        return problem(request, error)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(request, NotFound())

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        fields = [
            {"field": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors
        ]
        detail = "; ".join(f"{item['field']}: {item['message']}" for item in fields)
        return problem(request, InvalidInput(detail=detail), errors=fields)

    @api.exception_handler(DjangoValidationError)
    def weak(request: HttpRequest, error: DjangoValidationError) -> HttpResponse:
        return problem(request, InvalidInput(detail=" ".join(error.messages)))

    @api.exception_handler(HttpError)
    def http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(request, Malformed())

    @api.exception_handler(Exception)
    def fault(request: HttpRequest, error: Exception) -> HttpResponse:
        reference = uuid.uuid4().hex[:12]
        logger.error("request failed, reference %s", reference, exc_info=error)
        return problem(request, InternalFault(reference=reference))
