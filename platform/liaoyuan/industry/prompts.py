"""Prompt files: ``{{name}}`` is replaced, and nothing else. No conditions, no loops, no code: a prompt is data."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from liaoyuan.industry.errors import PromptInvalid

PromptVariable = Literal["question", "evidence", "language", "role", "organization", "date", "history", "abstain"]
VARIABLES: frozenset[str] = frozenset(get_args(PromptVariable))
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_.-]*)\s*\}\}")


def prompt_variables(text: str) -> frozenset[str]:
    """The names that ``text`` asks for."""
    return frozenset(PLACEHOLDER.findall(text))


def prompt_check(name: str, text: str) -> None:
    """Refuse a prompt that asks for a name nobody gives, or that forgets question or evidence."""
    asked = prompt_variables(text)
    unknown = sorted(asked - VARIABLES)
    if unknown:
        allowed = ", ".join(sorted(VARIABLES))
        raise PromptInvalid(
            prompt=name,
            problem=f"it asks for {{{{{unknown[0]}}}}}; allowed: {allowed}",
            problem_zh=f"使用了未知变量 {{{{{unknown[0]}}}}}；可用：{allowed}",
        )
    forgotten = sorted({"question", "evidence"} - asked)
    if forgotten:
        raise PromptInvalid(
            prompt=name,
            problem=f"it never uses {{{{{forgotten[0]}}}}}",
            problem_zh=f"没有用到 {{{{{forgotten[0]}}}}}",
        )


def prompt_render(name: str, text: str, values: Mapping[str, str]) -> str:
    """``text`` with every ``{{name}}`` replaced, in one pass: braces inside a value (a tenant's document) stay as
    they are.

    Raises:
        PromptInvalid: a name that ``text`` asks for is not in ``values``.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise PromptInvalid(
                prompt=name, problem=f"no value for {{{{{match[1]}}}}}", problem_zh=f"缺少 {{{{{match[1]}}}}} 的值"
            )
        return values[match[1]]

    return PLACEHOLDER.sub(value, text)
