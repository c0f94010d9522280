"""Cells and runs of workbooks and decks in the colour of their ground, or a point high: left out, and told."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pptx
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.table import Table, TableStyleInfo
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import MSO_SHAPE
from pptx.oxml import parse_xml
from pptx.util import Inches, Pt

from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.seen import assert_left_out, assert_stays
from tests.unit.knowledge_parse.test_hidden import ORDER, SEEN, sheet

DARK = "FF003366"


def cell(**style: Any) -> Callable[[Path], Path]:
    def hide(book: openpyxl.Workbook) -> None:
        book.active["A3"] = ORDER
        for name, value in style.items():
            setattr(book.active["A3"], name, value)

    return lambda path: sheet(path, hide)


def run_in_a_cell(path: Path) -> Path:
    def hide(book: openpyxl.Workbook) -> None:
        pale = TextBlock(InlineFont(color="FFFFFFFF"), ORDER)
        book.active["A3"] = CellRichText("The spare stands in hall two. ", pale)

    return sheet(path, hide)


def run_in_a_shared_string(path: Path) -> Path:
    """As Excel keeps it: the cell names a string of the workbook's own list."""
    with zipfile.ZipFile(run_in_a_cell(path)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    name, space = "xl/worksheets/sheet1.xml", "http://schemas.openxmlformats.org"
    inline = re.search(r'<c r="A3"([^>]*?) t="inlineStr"><is>(.*?)</is></c>', parts[name], re.DOTALL)
    assert inline is not None
    parts[name] = parts[name].replace(inline[0], f'<c r="A3"{inline[1]} t="s"><v>0</v></c>')
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{space}/spreadsheetml/2006/main"><si>{inline[2]}</si></sst>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    told = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace("</Types>", told)
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return path


def slide_with(change: Callable[[Any, Any], None]) -> Callable[[Path], Path]:
    """A deck with the seen sentence as a title and a text box whose one run ``change`` (slide, run) makes its own."""

    def make(path: Path) -> Path:
        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = SEEN
        box = slide.shapes.add_textbox(Inches(1), Inches(3), Inches(6), Inches(1))
        run = box.text_frame.paragraphs[0].add_run()
        run.text = ORDER
        change(slide, run)
        deck.save(str(path))
        return path

    return make


def white(slide: Any, run: Any) -> None:
    run.font.color.rgb = RGBColor(255, 255, 255)


def paper_of_the_theme(slide: Any, run: Any) -> None:
    run.font.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1


def dark_on_dark(slide: Any, run: Any) -> None:
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor(0, 0x33, 0x66)
    run.font.color.rgb = RGBColor(0, 0x33, 0x66)


def clear(slide: Any, run: Any) -> None:
    run.font.color.rgb = RGBColor(0, 0, 0)
    fill = run.font._element.find(".//{*}srgbClr")
    fill.append(parse_xml('<a:alpha xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" val="0"/>'))


def tiny(slide: Any, run: Any) -> None:
    run.font.size = Pt(1)


HIDING: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "a white cell": ("a.xlsx", cell(font=Font(color="FFFFFFFF"))),
    "a cell in the theme's white": ("a.xlsx", cell(font=Font(color=openpyxl.styles.colors.Color(theme=0)))),
    "the colour of its own fill": ("a.xlsx", cell(font=Font(color=DARK), fill=PatternFill("solid", fgColor=DARK))),
    "a cell of one point": ("a.xlsx", cell(font=Font(size=1))),
    "a format that shows nothing": ("a.xlsx", cell(number_format=";;;")),
    "a white run in a cell": ("a.xlsx", run_in_a_cell),
    "a white run of a shared string": ("a.xlsx", run_in_a_shared_string),
    "a white run on a white slide": ("a.pptx", slide_with(white)),
    "the theme's own paper": ("a.pptx", slide_with(paper_of_the_theme)),
    "dark on a dark slide": ("a.pptx", slide_with(dark_on_dark)),
    "a transparent run": ("a.pptx", slide_with(clear)),
    "a run of one point": ("a.pptx", slide_with(tiny)),
}


@pytest.mark.parametrize("how", HIDING)
def test_what_cannot_be_seen_is_left_out_and_told(tmp_path: Path, parse: Parse, how: str) -> None:
    name, make = HIDING[how]
    text = assert_left_out(parse(make(tmp_path / name)))
    assert ("in a cell" not in how and "shared" not in how) or "hall two" in text


def coloured_by_a_rule(path: Path) -> Path:
    def mark(book: openpyxl.Workbook) -> None:
        book.active["B3"] = 97
        book.active["B3"].font = Font(color="FFFFFFFF")
        rule = CellIsRule(operator="greaterThan", formula=["90"], fill=PatternFill("solid", bgColor="FFC00000"))
        book.active.conditional_formatting.add("B2:B9", rule)

    return sheet(path, mark)


def head_of_a_table(path: Path) -> Path:
    def mark(book: openpyxl.Workbook) -> None:
        for place in ("A1", "B1"):
            book.active[place].font = Font(color="FFFFFFFF", bold=True)
        table = Table(displayName="Limits", ref="A1:B2")
        table.tableStyleInfo = TableStyleInfo(name="TableStyleMedium2", showRowStripes=True)
        book.active.add_table(table)

    return sheet(path, mark)


def white_on_a_bar(slide: Any, run: Any) -> None:
    bar = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Inches(0), Inches(3), Inches(10), Inches(1))
    bar.fill.solid()
    bar.fill.fore_color.rgb = RGBColor(0, 0x33, 0x66)
    white(slide, run)


def white_on_a_dark_slide(slide: Any, run: Any) -> None:
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor(0, 0x33, 0x66)
    white(slide, run)


def white_in_a_table(slide: Any, run: Any) -> None:
    frame = slide.shapes.add_table(2, 1, Inches(1), Inches(5), Inches(4), Inches(1))
    frame.table.cell(0, 0).text = "White head"
    frame.table.cell(0, 0).text_frame.paragraphs[0].runs[0].font.color.rgb = RGBColor(255, 255, 255)
    frame.table.cell(1, 0).text = "40 ms"


SEEN_AFTER_ALL: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "white on a fill": (
        "a.xlsx",
        cell(font=Font(color="FFFFFFFF"), fill=PatternFill("solid", fgColor=DARK)),
        "approve",
    ),
    "white on the colour of a rule": ("a.xlsx", coloured_by_a_rule, "97"),
    "the head of a styled table": ("a.xlsx", head_of_a_table, "count"),
    "white on a bar": ("a.pptx", slide_with(white_on_a_bar), "approve"),
    "white on a dark slide": ("a.pptx", slide_with(white_on_a_dark_slide), "approve"),
    "the head of a table on a slide": ("a.pptx", slide_with(white_in_a_table), "White head"),
}


@pytest.mark.parametrize("how", SEEN_AFTER_ALL)
def test_what_can_be_seen_stays(tmp_path: Path, parse: Parse, how: str) -> None:
    name, make, words = SEEN_AFTER_ALL[how]
    assert_stays(parse(make(tmp_path / name)), words)
