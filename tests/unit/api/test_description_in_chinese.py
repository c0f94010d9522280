"""The description of the API in Chinese: every word of it, and nothing but its words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from liaoyuan.api.docs.chinese import DATA, chinese_words, in_chinese


@pytest.fixture(scope="module")
def english() -> Any:
    from liaoyuan.api.rest.api import api

    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))


@pytest.fixture(scope="module")
def chinese(english: Any) -> Any:
    return in_chinese(english)


def told(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where in a document which words stand."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from told(each, f"{path}/{number}")
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in {"description", "summary"} and isinstance(value, str):
                yield f"{path}/{name}", value
            elif name not in DATA:
                yield from told(value, f"{path}/{name}")


def test_every_operation_field_parameter_and_answer_speaks_both_languages(english: Any, chinese: Any) -> None:
    before, after = dict(told(english)), dict(told(chinese))
    assert before.keys() == after.keys()
    assert len(before) > 900
    bare = {place: text for place, text in after.items() if not any("\u4e00" <= sign <= "\u9fff" for sign in text)}
    assert bare == {}, "a line for each in platform/liaoyuan/api/rest/words_zh.tsv"
    assert not [text for text in before.values() if any("\u4e00" <= sign <= "\u9fff" for sign in text)]


def test_nothing_but_words_differs(english: Any, chinese: Any) -> None:
    assert without_words(english) == without_words(chinese)


def test_no_line_of_the_file_is_left_over(english: Any) -> None:
    assert set(chinese_words()) <= {text for _, text in told(english)}


def test_the_document_that_was_translated_stays_english(english: Any) -> None:
    before = json.dumps(english)
    in_chinese(english)
    assert json.dumps(english) == before


def without_words(part: Any) -> Any:
    if isinstance(part, list):
        return [without_words(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value if name in DATA else without_words(value)
        for name, value in part.items()
        if not (name in {"description", "summary"} and isinstance(value, str))
    }
