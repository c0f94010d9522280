"""What the model server answers when it cannot do what was asked, in the shape that OpenAI's clients expect."""

from typing import Any

from liaoyuan.errors import LiaoyuanError


class ServingError(LiaoyuanError):
    """A request that cannot be served; ``kind`` is OpenAI's error type."""

    code = "bad_request"
    zh = "请求不正确：{detail}"
    en = "The request is not valid: {detail}"
    kind = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """OpenAI's error object, with the Chinese sentence beside the English one."""
        return {
            "error": {
                "message": self.sentence("en"),
                "message_zh": self.sentence("zh"),
                "type": self.kind,
                "code": self.code,
                "param": self.params.get("param"),
            }
        }


class NotJson(ServingError):
    code = "not_json"
    zh = "请求体不是 JSON 对象：{detail}"
    en = "The body is not a JSON object: {detail}"


class TooLarge(ServingError):
    code = "body_too_large"
    zh = "请求体超过 {limit} 字节。请分批发送。"
    en = "The body is larger than {limit} bytes. Send it in parts."
    status = 413


class WrongToken(ServingError):
    code = "invalid_api_key"
    zh = "访问令牌缺失或不正确。令牌在 var/secrets/model_server_token。"
    en = "The bearer token is missing or wrong. It is in var/secrets/model_server_token."
    status = 401
    kind = "authentication_error"


class NoSuchRoute(ServingError):
    code = "not_found"
    zh = "没有 {method} {path} 这个接口。"
    en = "There is no {method} {path} here."
    status = 404
    kind = "not_found_error"


class UnknownModel(ServingError):
    code = "model_not_found"
    zh = "没有名为“{model}”的模型。可用：{known}。"
    en = "There is no model “{model}”. Known: {known}."
    status = 404
    kind = "not_found_error"


class PromptTooLong(ServingError):
    code = "context_length_exceeded"
    zh = "提示有 {tokens} 个词元，超过上下文 {limit} 个。请缩短提示或减少引用的段落。"
    en = "The prompt has {tokens} tokens, more than the context of {limit}. Shorten it or quote fewer passages."


class AdapterRefused(ServingError):
    """The file is not what was announced, or does not fit the base model. The server goes on as before."""

    code = "adapter_refused"
    zh = "适配器“{name}”被拒绝：{detail}。当前服务不受影响。"
    en = "The adapter “{name}” is refused: {detail}. What is served now goes on."
    status = 422


class AdapterExists(ServingError):
    code = "adapter_exists"
    zh = "名为“{name}”的适配器已存在且内容不同。请换一个名称，或先删除旧的。"
    en = "An adapter “{name}” with other content exists. Choose another name or delete it first."
    status = 409


class EngineBroken(ServingError):
    """llama.cpp's server failed or dropped the connection."""

    code = "engine_failed"
    zh = "推理引擎出错：{detail}。请重试。"
    en = "The inference engine failed: {detail}. Try again."
    retryable = True
    status = 503
    kind = "server_error"
