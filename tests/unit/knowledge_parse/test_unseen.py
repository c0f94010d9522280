"""Documents made for the purpose, of which all is known: Office files, pages, messages, books and text, exactly."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.parse_unseen_office import OFFICE
from benchmarks.parse_unseen_truth import Case, f1, scored
from liaoyuan.knowledge.parse.docx_numbers import numeral
from tests.unit.knowledge_parse.conftest import Parse


@pytest.mark.parametrize("make", OFFICE, ids=lambda make: str(make.__name__))
def test_every_word_cell_and_heading_is_read_in_its_place(
    tmp_path: Path, parse: Parse, make: Callable[[Path], Case]
) -> None:
    case = make(tmp_path)
    score = scored(case, parse(case.path))
    assert (score.edits, score.astray, score.placeless) == (0, 0, 0)
    assert {f1(score.headings), f1(score.cells), f1(score.lists)} <= {None, 1.0}


@pytest.mark.parametrize(
    ("count", "kind", "shown"),
    [
        (3, "chineseCountingThousand", "三"),
        (10, "chineseCounting", "十"),
        (12, "chineseCounting", "十二"),
        (20, "japaneseCounting", "二十"),
        (103, "chineseCountingThousand", "一百零三"),
        (110, "chineseCountingThousand", "一百一十"),
        (4, "upperRoman", "IV"),
        (28, "lowerLetter", "bb"),
        (2, "ideographTraditional", "乙"),
        (7, "decimalEnclosedCircle", "⑦"),
        (7, "decimalZero", "07"),
        (7, "somethingNew", "7"),
    ],
)
def test_numbers_are_written_as_word_writes_them(count: int, kind: str, shown: str) -> None:
    assert numeral(count, kind) == shown
