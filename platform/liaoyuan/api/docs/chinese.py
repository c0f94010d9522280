"""The description of the API in Chinese: the same document, word for word another, with nothing else changed.

The Chinese words of operations stand beside their names (``rest.words``); those of everything else, in the file beside
(``rest/words_zh.tsv``: English, tab, Chinese), are read when somebody asks for them first.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from liaoyuan.api.rest import words
from liaoyuan.api.rest.describe import Json

FILE: Final = Path(words.__file__).with_name("words_zh.tsv")
# What callers send and receive is data, not words.
DATA: Final = frozenset({"example", "examples", "default", "enum", "const", "x-zh"})


@cache
def chinese_words() -> dict[str, str]:
    """English → Chinese."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    pairs = (line.replace("\\n", "\n").split("\t") for line in lines if line)
    return {english: chinese for english, chinese in pairs}  # noqa: C416 - it checks that there are two


def in_chinese(part: Any) -> Any:
    """``part`` of the document, and all below it, anew."""
    if isinstance(part, list):
        return [in_chinese(each) for each in part]
    if not isinstance(part, dict):
        return part
    found: Json = {name: value if name in DATA else in_chinese(value) for name, value in part.items()}
    if isinstance(found.get("description"), str):
        found["description"] = chinese_words().get(found["description"], found["description"])
    return found | _own(part.get("x-zh"))


def _own(told: Any) -> Json:
    """What an operation (summary and description) or an area (its name) says of itself."""
    return {"description": told} if isinstance(told, str) else dict(told or {})
