"""Pages as enterprises print them: columns, tables without upright rules, upright Chinese, contents, bullets, marks."""

from pathlib import Path

import pytest

from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.parse.columns import Columns, reading_order
from liaoyuan.knowledge.parse.furniture import remove_furniture, remove_marks
from liaoyuan.knowledge.parse.layout import page_blocks, typography
from liaoyuan.knowledge.parse.open_tables import headed_table, lined_tables, spread_table
from liaoyuan.knowledge.parse.pdf_runs import _Collector
from liaoyuan.knowledge.parse.runs import Run, gather_lines
from liaoyuan.knowledge.parse.structure import structure
from liaoyuan.knowledge.parse.tables import Rule, split_run
from liaoyuan.knowledge.parse.text import is_contents_entry, without_leaders
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import canvas, write_lines
from tests.unit.knowledge_parse.test_formats import of_type, ready


def run(text: str, x: float, y: float, *, size: float = 10.0) -> Run:
    """A run at ``x``, ``y`` (top left); Chinese signs are as wide as high, others half of that."""
    chars, at = [], x
    for character in text:
        width = size * (1.0 if ord(character) > 0x2E80 else 0.5)
        chars.append((character, at, at + width))
        at += width
    return Run(text, x, y, at, y + size, size=size, chars=chars)


def prose(x: float, top: float, lines: int, *, step: float = 14.0, word: str = "words") -> list[Run]:
    """Lines that fill a column of 150 points."""
    return [
        run(f"{word} {number:02} fill this column up"[:30].ljust(30, "x"), x, top + number * step)
        for number in range(lines)
    ]


def test_three_columns_whose_lines_stand_at_different_heights_are_read_one_by_one() -> None:
    columns = [prose(50, 100, 20, word="one"), prose(220, 107, 20, word="two"), prose(390, 103, 20, word="six")]
    order = reading_order([each for column in columns for each in column])
    read = [line.text[:3] for region in order for line in region]
    assert read == ["one"] * 20 + ["two"] * 20 + ["six"] * 20


def test_a_heading_over_both_columns_parts_them() -> None:
    above = [*prose(50, 100, 8, word="a"), *prose(310, 100, 8, word="b")]
    below = [*prose(50, 300, 8, word="c"), *prose(310, 300, 8, word="d")]
    heading = run("Heading", 50, 250, size=14)
    read = [line.text[:1] for region in reading_order([*above, heading, *below]) for line in region]
    assert read == [*"aaaaaaaa", *"bbbbbbbb", "H", *"cccccccc", *"dddddddd"]


def test_lines_that_span_the_columns_stay_one_paragraph() -> None:
    abstract = [run("x" * 80 + str(number), 50, 60 + 14 * number) for number in range(3)]
    regions = reading_order([*abstract, *prose(50, 120, 12), *prose(310, 120, 12)])
    assert len(regions[0]) == 3


def test_a_short_last_page_keeps_the_columns_of_the_page_before() -> None:
    columns = Columns()
    reading_order([*prose(50, 100, 20), *prose(310, 100, 20)], columns=columns)
    last = [*prose(50, 60, 2, word="left"), *prose(310, 60, 2, word="right")]
    read = [line.text.split()[0] for region in reading_order(last, columns=columns) for line in region]
    assert read == ["left", "left", "right", "right"]


def test_rules_above_and_below_make_a_table_whose_words_wrap() -> None:
    runs = [run("Item", 54, 100), run("Duty", 120, 100), run("Proof", 300, 100)]
    for number in range(3):
        top = 122 + number * 34
        runs += [run(f"R{number}", 54, top), run("sign the permit first", 120, top), run("record", 300, top)]
        runs.append(run("and keep it", 120, top + 13))
    rules = [Rule(vertical=False, at=at, start=50, end=360) for at in (96, 115, 225)]
    (table,) = lined_tables(runs, rules)
    assert table.table == [
        ["Item", "Duty", "Proof"],
        *([f"R{number}", "sign the permit first and keep it", "record"] for number in range(3)),
    ]


def test_names_of_columns_above_the_first_rule_belong_to_the_table() -> None:
    runs = [run("Course", 54, 90), run("Room", 200, 90)]
    rules = [Rule(vertical=False, at=105 + 20 * number, start=50, end=300) for number in range(5)]
    for number in range(4):
        runs += [run(f"EE{number}", 54, 110 + 20 * number), run(f"B{number}", 200, 110 + 20 * number)]
    (table,) = lined_tables(runs, rules)
    assert table.table == [["Course", "Room"], *([f"EE{number}", f"B{number}"] for number in range(4))]


def test_two_rules_around_prose_make_no_table() -> None:
    runs = [*prose(50, 100, 10), *prose(310, 100, 10)]
    rules = [Rule(vertical=False, at=90, start=50, end=470), Rule(vertical=False, at=260, start=50, end=470)]
    assert lined_tables(runs, rules) == runs


def test_a_table_without_any_rule_may_wrap_its_cells() -> None:
    runs = [run("药品", 54, 100), run("用法", 140, 100), run("单价", 400, 100)]
    for number in range(3):
        top = 122 + number * 36
        runs += [
            run("注射用药" + "甲乙丙"[number], 54, top),
            run("每日两次缓慢静脉滴注并记录", 140, top),
            run("1.50", 405, top),
        ]
        runs.append(run("不得过量", 140, top + 13))
    found = spread_table(gather_lines(runs), 0)
    assert found is not None
    assert found.rows[1:] == [[f"注射用药{sign}", "每日两次缓慢静脉滴注并记录不得过量", "1.50"] for sign in "甲乙丙"]


def test_names_to_the_left_of_figures_to_the_right_head_their_columns() -> None:
    runs = [run("Year", 122, 100), run("Freshwater ducks", 190, 100)]
    for number in range(4):
        runs += [run(f"20{19 + number}", 165, 113 + 13 * number), run("120", 257, 113 + 13 * number)]
    found = headed_table(gather_lines(runs), 0)
    assert found is not None and found.rows[0] == ["Year", "Freshwater ducks"] and found.lines == 5


def test_items_of_a_list_are_no_column() -> None:
    runs = [each for n in range(4) for each in (run("•", 50, 100 + 14 * n), run(f"entry {n}", 90, 100 + 14 * n))]
    assert spread_table(gather_lines(runs), 0) is None


def test_a_word_that_reaches_over_its_border_stays_whole() -> None:
    word, two = run("Overflowing", 50, 100), run("甲乙 丙丁", 50, 100)
    assert [piece.text for piece in split_run(word, [80.0])] == ["Overflowing"]
    assert [piece.text for piece in split_run(two, [72.0])] == ["甲乙", "丙丁"]


def test_a_line_end_between_touching_characters_tears_no_word() -> None:
    collector = _Collector()
    for at, character in enumerate("2024"):
        box = (50.0 + 5 * at, 100.0, 55.0 + 5 * at, 110.0)
        collector.add(character, box, joins=collector.joins(box))
        collector.ended = True
    far = (90.0, 100.0, 95.0, 110.0)
    collector.add("9", far, joins=collector.joins(far))
    collector.close()
    assert [each.text for each in collector.runs] == ["2024", "9"]


def test_raised_and_lowered_signs_stand_in_their_line() -> None:
    large, small = run("95 mm", 50, 100), run("2", 75, 98, size=6)
    (line,) = gather_lines([large, small])
    assert line.text == "95 mm2"


@pytest.mark.parametrize("dots", ["............", "……………", "· · · · · · ·"])
def test_contents_become_entries_and_no_second_headings(dots: str) -> None:
    entry = without_leaders(f"第一章 总则 {dots} 3")
    assert entry == "第一章 总则 …… 3" and is_contents_entry(entry)
    (block,) = structure([Block(BlockType.LIST, entry)], "")
    assert block.type is BlockType.LIST
    assert without_leaders("费用为 3.5 万元") == "费用为 3.5 万元"


def test_rows_of_a_table_that_reach_into_the_margin_are_no_furniture() -> None:
    def page() -> list[Run]:
        return [run(f"{at}.{column}", 50 + 90 * column, 30 + 16 * at) for at in range(8) for column in range(4)]

    pages = [page(), page(), page()]
    remove_furniture(pages, [842.0] * 3)
    assert [len(runs) for runs in pages] == [32] * 3


def test_the_letterhead_of_a_single_page_is_content_and_a_repeated_head_is_not() -> None:
    letter = [run("某某电力公司文件", 50, 20), *prose(50, 100, 5)]
    remove_furniture([letter], [842.0])
    assert letter[0].text == "某某电力公司文件"
    pages = [[run("某某电力公司文件", 50, 20), *prose(50, 100, 5)] for _ in range(3)]
    assert remove_furniture(pages, [842.0] * 3) and all(len(runs) == 5 for runs in pages)


def test_a_mark_across_every_page_goes_and_other_turned_words_stay() -> None:
    pages = [[run("机密", 100, 300)], [run("机密", 100, 300)], [run("轴标题", 40, 300)]]
    assert remove_marks(pages)
    assert [[each.text for each in runs] for runs in pages] == [[], [], ["轴标题"]]
    single = [[run("机密", 100, 300)]]
    assert not remove_marks(single) and single[0]


def test_a_drawn_bullet_makes_an_item(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "b.pdf")
    wanted = ["check that the voltage is absent", "connect the earth", "hang out the notice"]
    for number, text in enumerate(wanted):
        page.circle(66, 784 - 18 * number, 2, stroke=0, fill=1)
        write_lines(page, [text], x=80, top=780 - 18 * number)
    page.save()
    items = of_type(ready(parse(tmp_path / "b.pdf")), BlockType.LIST)
    assert [item.text for item in items] == [
        "check that the voltage is absent",
        "connect the earth",
        "hang out the notice",
    ]


def test_upright_chinese_is_read_from_the_right_and_keeps_its_place(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "u.pdf")
    page.setFont("STSong-Light", 12)
    columns = (
        "各位同仁务必遵守安全规程进入现场",
        "须佩戴安全帽并由监护人陪同验电后",
        "方可装设接地线作业结束立即报告。",
    )
    for number, column in enumerate(columns):
        for at, sign in enumerate(column):
            page.drawString(500 - 24 * number, 760 - 13 * at, sign)
    page.save()
    document = ready(parse(tmp_path / "u.pdf"))
    assert "".join(document.text.split()) == "".join(columns)
    first = document.blocks[0]
    assert first.box is not None and first.lines[0].box[0] > 490 and first.lines[-1].box[2] < 470


def test_a_line_of_signs_is_a_formula() -> None:
    runs = [*prose(50, 100, 4), run("E = m c", 200, 180), *prose(50, 210, 4)]
    kinds = [block.type for block in page_blocks(runs, 2, typography([runs]))]
    assert BlockType.FORMULA in kinds


def test_lists_beside_each_other_are_read_one_after_the_other(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "a.pdf")
    page.setFont("STSong-Light", 14)
    beside = {60: ["1. 拉开断路器", "2. 验电", "3. 挂接地线"], 220: ["• 绝缘手套", "• 验电器", "• 接地线", "• 围栏"],
              380: ["注意：", "• 天气", "• 距离"]}  # fmt: skip
    for x, lines in beside.items():
        for number, line in enumerate(lines):
            page.drawString(x, 700 - 20 * number, line)
    page.save()
    document = parse(tmp_path / "a.pdf").document
    assert document is not None
    assert [block.text for block in document.blocks] == [line for lines in beside.values() for line in lines]


def test_numbers_that_count_along_the_row_stay_beside_each_other(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "a.pdf")
    page.setFont("STSong-Light", 14)
    for row in range(3):
        for column in range(2):
            page.drawString(60 + 200 * column, 700 - 20 * row, f"{2 * row + column + 1}. 选项")
    page.save()
    document = parse(tmp_path / "a.pdf").document
    assert document is not None and document.text.index("2.") < document.text.index("3.") < document.text.index("4.")
