"""Errors in the shape that OpenAI's clients understand, in the caller's language."""

from typing import Any, Final

from liaoyuan.api.limits import RateLimited
from liaoyuan.errors import InvalidInput, LiaoyuanError, NotFound

TYPES: Final = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
SERVER_ERROR: Final = 500


class ModelNotFound(NotFound):
    """The same words for a missing name, a stranger's and one whose documents the caller may not read."""

    code = "model_not_found"
    zh = "没有这个模型（应用），或您无权使用。可用的模型见 GET /v1/models。"
    en = "There is no such model (application), or you may not use it. GET /v1/models lists yours."


class UnknownAddress(NotFound):
    code = "unknown_url"
    zh = "没有这个地址。可用：POST /v1/chat/completions、retrieve、embeddings，GET /v1/models、/v1/models/{{id}}。"
    en = (
        "There is no such address. There are POST /v1/chat/completions, /v1/retrieve and /v1/embeddings, "
        "GET /v1/models and /v1/models/{{id}}."
    )


class MethodRefused(LiaoyuanError):
    code = "method_not_allowed"
    zh = "该地址不支持此方法，请用 {allowed}。"
    en = "This address does not take that method; use {allowed}."
    status = 405


class RequestInvalid(InvalidInput):
    """``param`` names the field of the request that is wrong."""

    code = "invalid_request"


class QuestionMissing(RequestInvalid):
    zh = "messages 中没有可回答的问题：需要一条含文字的 user 消息。"
    en = "The messages hold no question: a user message with text is needed."


class TooBusy(LiaoyuanError):
    code = "too_busy"
    zh = "当前排队的请求太多，请在几秒后重试。"
    en = "Too many requests are waiting. Try again in some seconds."
    retryable = True
    status = 429


def error_body(error: LiaoyuanError, language: str) -> dict[str, Any]:
    """``{"error": {message, type, code, param}}``."""
    fallback = "server_error" if error.status >= SERVER_ERROR else "invalid_request_error"
    return {
        "error": {
            "message": error.sentence(language),
            "type": TYPES.get(error.status, fallback),
            "code": error.code,
            "param": error.params.get("param"),
        }
    }


def error_headers(error: LiaoyuanError) -> dict[str, str]:
    """What a client should know beside the body."""
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, MethodRefused):
        headers["allow"] = str(error.params["allowed"])
    if isinstance(error, TooBusy):
        headers["retry-after"] = "5"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.params["seconds"])
    return headers
