"""The one base of every error that a person may read."""

from typing import Any, ClassVar


class LiaoyuanError(Exception):
    """An expected failure: a stable code, a sentence (zh, en) that says what to do, and whether a retry can help.

    Subclasses set the class variables; ``zh`` and ``en`` are ``str.format`` templates over ``params``.
    """

    code: ClassVar[str] = "error"
    zh: ClassVar[str] = "操作未能完成。"
    en: ClassVar[str] = "The operation could not be completed."
    retryable: ClassVar[bool] = False
    status: ClassVar[int] = 400

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence("en"))

    def sentence(self, language: str = "zh") -> str:
        """The human sentence in ``language``: "zh…" or, for anything else, English."""
        template = self.zh if language.startswith("zh") else self.en
        return template.format(**self.params)

    def as_dict(self, language: str = "zh") -> dict[str, Any]:
        """JSON-ready form: code, message, retryable and the parameters as text."""
        return {
            "code": self.code,
            "message": self.sentence(language),
            "retryable": self.retryable,
            "params": {key: str(value) for key, value in self.params.items()},
        }


class NotFound(LiaoyuanError):
    """Also what a stranger gets: existence is never told."""

    code = "not_found"
    zh = "没有找到。请检查编号，或向管理员确认您的权限。"
    en = "Not found. Check the identifier, or ask an administrator about your rights."
    status = 404


class PermissionDenied(LiaoyuanError):
    code = "permission_denied"
    zh = "您的角色不能执行“{action}”。请联系组织的所有者。"
    en = "Your role may not do “{action}”. Ask an owner of the organization."
    status = 403


class InvalidInput(LiaoyuanError):
    code = "invalid_input"
    zh = "输入不正确：{detail}"
    en = "The input is not valid: {detail}"
    status = 422
