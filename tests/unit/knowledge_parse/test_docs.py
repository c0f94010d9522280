"""The handbook names every reason for which a file is refused, in the words that people read."""

from pathlib import Path

import pytest

from liaoyuan.knowledge.parse.errors import REJECTIONS
from liaoyuan.knowledge.parse.parser import _READERS

HANDBOOK = (Path(__file__).parents[3] / "docs" / "knowledge" / "parsing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", REJECTIONS)
def test_a_reason_is_explained(code: str) -> None:
    assert f"| `{code}` | {REJECTIONS[code].en.format(name='…', detail='…')} |" in HANDBOOK


@pytest.mark.parametrize("kind", sorted(set(_READERS) - {"text"}))
def test_a_format_is_listed(kind: str) -> None:
    assert kind.upper() in HANDBOOK.upper()
