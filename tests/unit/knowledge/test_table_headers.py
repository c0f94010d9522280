"""A table's header of two rows: told from its body, and repeated whole over every part of a table that is cut."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from docx import Document
from docx.oxml import OxmlElement
from openpyxl import Workbook

from liaoyuan.knowledge.chunking import ChunkDraft, chunk_document
from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.docx import read_docx
from liaoyuan.knowledge.parse.grid import table_block
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.xlsx import read_xlsx

ROWS = 60
NAMES = "科室 | 人数 男 | 人数 女 | 备注"


def cut(blocks: Sequence[Block]) -> list[ChunkDraft]:
    """A character counts as a token, so that the table takes several chunks."""
    return chunk_document("统计", list(blocks), len, target=100, limit=220)


def literal(chunk: ChunkDraft, blocks: Sequence[Block]) -> bool:
    return all(
        chunk.text[span.start : span.end]
        == blocks[span.block].text[span.block_start : span.block_start + span.end - span.start]
        for span in chunk.spans
    )


def html() -> ParsedDocument:
    head = (
        "<tr><th rowspan=2>科室</th><th colspan=2>人数</th><th rowspan=2>备注</th></tr><tr><th>男</th><th>女</th></tr>"
    )
    rows = "".join(f"<tr><td>第{n}科</td><td>{n}</td><td>{n + 1}</td><td>无</td></tr>" for n in range(ROWS))
    return html_document(f"<table>{head}{rows}</table>", "统计")


def docx() -> ParsedDocument:
    document = Document()
    table = document.add_table(rows=2, cols=4)
    for (row, column), text in {(0, 0): "科室", (0, 1): "人数", (0, 3): "备注", (1, 1): "男", (1, 2): "女"}.items():
        table.cell(row, column).text = text
    for first, last in (((0, 0), (1, 0)), ((0, 1), (0, 2)), ((0, 3), (1, 3))):
        table.cell(*first).merge(table.cell(*last))
    for number in range(ROWS):
        for cell, text in zip(
            table.add_row().cells, (f"第{number}科", str(number), str(number + 1), "无"), strict=True
        ):
            cell.text = text
    return read_docx(_source(document, "统计.docx"))


def xlsx() -> ParsedDocument:
    book = Workbook()
    sheet = book.active
    for row in (("科室", "人数", None, "备注"), (None, "男", "女", None)):
        sheet.append(row)
    for reference in ("A1:A2", "B1:C1", "D1:D2"):
        sheet.merge_cells(reference)
    for number in range(ROWS):
        sheet.append((f"第{number}科", number, number + 1, "无"))
    return read_xlsx(_source(book, "统计.xlsx"))


def _source(document: Any, name: str) -> Source:
    stream = io.BytesIO()
    document.save(stream)
    return Source(stream.getvalue(), name)


@pytest.mark.parametrize("made", [html, docx, xlsx])
def test_every_part_of_a_cut_table_names_its_columns_in_full(made: Callable[[], ParsedDocument]) -> None:
    parsed = made()
    tables = [block for block in parsed.blocks if block.type is BlockType.TABLE]
    chunks = [chunk for chunk in cut(parsed.blocks) if chunk.kind == "table"]
    assert all(table.header_rows == 2 for table in tables)
    assert len(chunks) > 3
    assert {chunk.text.split("\n")[0] for chunk in chunks} == {NAMES}
    assert sum(chunk.text.count("科 | ") for chunk in chunks) == ROWS
    assert all(literal(chunk, parsed.blocks) for chunk in chunks)


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["项目", "上限"], ["乙醇", "60"]], 1),
        ([["项目", "", ""], ["乙醇", "60", "瓶"]], 1),
        ([["科室", "2023", "2024"], ["内科", "", ""], ["外科", "3", "4"]], 1),
        ([["上半年", "", "下半年", ""], ["一季", "二季", "三季", "四季"], ["1", "2", "3", "4"]], 2),
        ([["年份", "收入", ""], ["", "2023", "2024"], ["门诊", "3", "4"]], 2),
        ([["全院统计", "", ""], ["科室", "男", "女"], ["内科", "3", "4"]], 2),
        ([["科室", "人数", ""], ["", "男", "女"]], 1),
    ],
)
def test_a_header_of_two_rows_is_told_from_a_first_row_of_figures(rows: list[list[str]], header: int) -> None:
    assert table_block(rows).header_rows == header


def test_a_title_over_all_columns_is_said_once() -> None:
    block = table_block([["全院统计", "", ""], ["科室", "男", "女"], ["内科", "3", "4"]])
    assert cut([block])[0].text == "全院统计 科室 | 男 | 女\n内科 | 3 | 4"


def test_rows_that_word_repeats_on_every_page_are_the_header() -> None:
    document = Document()
    table = document.add_table(rows=3, cols=2)
    for index, texts in enumerate((("项目", "上限"), ("（名称）", "（毫升）"), ("乙醇", "60"))):
        for cell, text in zip(table.rows[index].cells, texts, strict=True):
            cell.text = text
        if index < 2:
            table.rows[index]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    (block,) = read_docx(_source(document, "限值.docx")).blocks
    assert block.header_rows == 2
    assert cut([block])[0].text == "项目 （名称） | 上限 （毫升）\n乙醇 | 60"


def test_the_number_of_header_rows_is_kept_with_the_block() -> None:
    (block,) = html().blocks
    assert Block.from_dict(block.as_dict()) == block
    older = {key: value for key, value in block.as_dict().items() if key != "header_rows"}
    assert Block.from_dict(older).header_rows == 1
