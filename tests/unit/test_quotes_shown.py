"""Rows of a table are shown below the names of their columns, and no estimate as certainty."""

import pytest
from django.utils.translation import override

from liaoyuan.portal.chat.marks import Table, lines_of, words_of
from liaoyuan.portal.quotes import Rows, rows_of
from liaoyuan.portal.templatetags.amounts import sureness

HEAD = "编号 | 名称 | 周期（天）"
ONE, TWO = "B-201 | 断路器 | 30", "C-301 | 电容器组 | "


def answer(text: str, *citations: tuple[str, str]) -> dict[str, object]:
    cited = [
        {"quote": quote, "header": header, "chunk_id": str(number)} for number, (quote, header) in enumerate(citations)
    ]
    return {"text": text, "citations": cited, "mode": "extractive"}


def shown(text: str, *citations: tuple[str, str]) -> list[object]:
    """Each line as its words; a table as its head and the words of its cells with their marks."""
    found: list[object] = []
    for line in lines_of(answer(text, *citations)):
        if isinstance(line, Table):
            rows = [
                [words_of(cell) + "".join(f"[{piece.mark}]" for piece in cell if piece.mark) for cell in row]
                for row in line.rows
            ]
            found.append((list(line.head), rows))
        else:
            found.append(words_of(line))
    return found


def test_rows_stand_below_the_header_that_is_cited_beside_them() -> None:
    assert rows_of(f"{ONE}\n{TWO}", HEAD) == Rows(
        ["编号", "名称", "周期（天）"], [["B-201", "断路器", "30"], ["C-301", "电容器组", ""]]
    )


def test_a_table_that_is_quoted_whole_begins_with_its_header() -> None:
    assert rows_of(f"{HEAD}\n{ONE}") == Rows(["编号", "名称", "周期（天）"], [["B-201", "断路器", "30"]])


@pytest.mark.parametrize(
    ("quote", "header"),
    [
        ("第九条 处方保存期限为2年。", ""),
        ("第一行\n第二行", ""),
        (ONE, ""),
        ("断路器 | 30", HEAD),
        ("a|b\nc|d", ""),
    ],
)
def test_prose_and_a_cut_row_stay_as_they_are(quote: str, header: str) -> None:
    assert rows_of(quote, header) is None


def test_an_answers_rows_are_one_table_with_the_mark_of_each_citation_in_the_rows_first_cell() -> None:
    text = f"{HEAD}\n{ONE} [1]\n{TWO} [2]\n第九条 另有规定。 [3]"
    assert shown(text, (ONE, HEAD), (TWO, HEAD), ("第九条 另有规定。", "")) == [
        (["编号", "名称", "周期（天）"], [["B-201[1]", "断路器", "30"], ["C-301[2]", "电容器组", ""]]),
        "第九条 另有规定。",
    ]


def test_two_tables_below_each_other_keep_their_own_heads() -> None:
    other = "编号 | 名称 | 班组"
    text = f"{HEAD}\n{ONE} [1]\n{other}\nB-201 | 断路器 | 一班 [2]"
    assert [head for head, _ in shown(text, (ONE, HEAD), ("B-201 | 断路器 | 一班", other))] == [
        ["编号", "名称", "周期（天）"],
        ["编号", "名称", "班组"],
    ]


def test_bars_of_a_text_that_quotes_no_table_make_none() -> None:
    assert shown("甲 | 乙\n丙 | 丁 [1]", ("第一条 甲或者乙。", "")) == ["甲 | 乙", "丙 | 丁"]


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (1.0, "over 99 %", "99 % 以上"),
        (0.9951, "over 99 %", "99 % 以上"),
        (0.99, "99 %", "99 %"),
        (0.5, "50 %", "50 %"),
        (0.01, "1 %", "1 %"),
        (0.0099, "< 1 %", "< 1 %"),
        (0.0, "< 1 %", "< 1 %"),
        (None, "–", "–"),
    ],
)
def test_no_estimate_is_shown_as_certainty(value: float | None, en: str, zh: str) -> None:
    for language, words in (("en", en), ("zh-hans", zh)):
        with override(language):
            assert sureness(value) == words
