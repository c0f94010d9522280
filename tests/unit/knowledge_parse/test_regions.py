"""Every block knows its place: lines, figures, formulas, and tables that go on over the page."""

from pathlib import Path

import docx
import openpyxl
import pptx
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.lib.utils import ImageReader
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from liaoyuan.knowledge.parse.blocks import BlockType, ParsedDocument
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import canvas, write_lines
from tests.unit.knowledge_parse.test_formats import of_type, ready

GRID = ("GRID", (0, 0), (-1, -1), 0.5, "black")


def test_a_quote_leads_to_its_own_lines(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "a.pdf")
    write_lines(
        page,
        [
            "第一条 为了规范护理行为，保障医疗安全，维护护士合法权益，促进护理事业健康发展，",
            "保障人体健康，制定本条例。",
        ],
    )
    page.save()
    document = ParsedDocument.from_json(ready(parse(tmp_path / "a.pdf")).to_json())
    (block,) = document.blocks
    start = block.text.find("保障人体健康")
    (line,) = block.lines_of(start, start + 6)
    assert block.text[line.start : line.end] == "保障人体健康，制定本条例。"
    assert line.page == 1 and line.box[1] > block.lines[0].box[1]
    assert len(block.lines_of(0, len(block.text))) == 2


def test_a_picture_is_kept_as_a_region_between_the_words_around_it(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "a.pdf")
    write_lines(page, ["The switchgear stands in the northern hall of the building."])
    page.drawImage(ImageReader(Image.new("RGB", (300, 200), "green")), 60, 500, 300, 200)
    write_lines(page, ["图 1 开关柜布置"], top=480)
    write_lines(page, ["It is inspected each year by two persons with a permit."], top=440)
    page.save()
    document = ready(parse(tmp_path / "a.pdf"))
    kinds = [block.type for block in document.blocks]
    assert kinds == [BlockType.PARAGRAPH, BlockType.FIGURE, BlockType.CAPTION, BlockType.PARAGRAPH]
    figure = document.blocks[1]
    assert figure.page == 1 and figure.box is not None
    assert [round(edge) for edge in figure.box] == [60, 142, 360, 342]


def test_a_formula_is_a_block_of_its_own(tmp_path: Path, parse: Parse) -> None:
    page = canvas(tmp_path / "a.pdf")
    page.setFont("Helvetica", 11)
    page.drawString(60, 780, "The resistance is the sum of all parts, and grows with the length:")
    page.setFont("Symbol", 11)
    page.drawString(220, 750, "αβγδ + λμν")
    page.setFont("Helvetica", 11)
    page.drawString(60, 720, "It is measured at twenty degrees, after the line was out of service.")
    page.save()
    (formula,) = of_type(ready(parse(tmp_path / "a.pdf")), BlockType.FORMULA)
    assert formula.box is not None and formula.box[0] > 200


def test_a_table_goes_on_over_the_page_with_one_header(tmp_path: Path, parse: Parse) -> None:
    rows = [["编号", "设备", "容量"], *([f"{number}", f"device {number}", f"{number * 10}"] for number in range(1, 61))]
    table = Table(rows, colWidths=[60, 200, 100], repeatRows=1)
    table.setStyle(TableStyle([GRID, ("FONTNAME", (0, 0), (-1, -1), "STSong-Light")]))
    canvas(tmp_path / "font.pdf")
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build([table])
    document = ready(parse(tmp_path / "a.pdf"))
    (block,) = of_type(document, BlockType.TABLE)
    assert block.table is not None and len(document.pages) == 2
    assert [row[0] for row in block.table] == ["编号", *map(str, range(1, 61))]
    start = block.text.find("device 60")
    assert [line.page for line in block.lines_of(start, start + 9)] == [2]


def test_cells_merged_downwards_are_repeated_for_each_row(tmp_path: Path, parse: Parse) -> None:
    rows = [["ward", "day", "beds"], ["surgery", "Monday", "12"], ["", "Tuesday", "15"], ["", "Sunday", "9"]]
    table = Table(rows, colWidths=[100, 100, 100])
    table.setStyle(TableStyle([GRID, ("SPAN", (0, 1), (0, 3)), ("VALIGN", (0, 1), (0, 3), "MIDDLE")]))
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build([table])
    (block,) = of_type(ready(parse(tmp_path / "a.pdf")), BlockType.TABLE)
    assert block.table == [rows[0], rows[1], ["surgery", "Tuesday", "15"], ["surgery", "Sunday", "9"]]
    assert block.text.count("surgery") == 1


def test_tables_beside_and_below_each_other_on_a_sheet_are_read_apart(tmp_path: Path, parse: Parse) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    left, right, below = (
        [["a", "b"], ["1", "2"]],
        [["x", "y", "z"], ["3", "4", "5"]],
        [["p", "q"], ["6", "7"], ["8", "9"]],
    )
    for start_row, start_column, rows in ((1, 1, left), (1, 5, right), (6, 2, below)):
        for down, row in enumerate(rows):
            for across, cell in enumerate(row):
                sheet.cell(start_row + down, start_column + across, cell)
    book.save(tmp_path / "a.xlsx")
    tables = of_type(ready(parse(tmp_path / "a.xlsx")), BlockType.TABLE)
    assert [table.table for table in tables] == [left, right, below]
    assert [table.locator for table in tables] == ["Sheet!A1:B2", "Sheet!E1:G2", "Sheet!B6:C8"]


def test_a_pause_within_a_table_does_not_cut_it(tmp_path: Path, parse: Parse) -> None:
    book = openpyxl.Workbook()
    for row in (["day", "beds"], ["Monday", 12], [], ["Tuesday", 15]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    (table,) = of_type(ready(parse(tmp_path / "a.xlsx")), BlockType.TABLE)
    assert table.table == [["day", "beds"], ["Monday", "12"], ["Tuesday", "15"]]


def test_a_chart_gives_the_table_behind_it(tmp_path: Path, parse: Parse) -> None:
    deck = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["Monday", "Tuesday"]
    data.add_series("beds", (12, 15.5))
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(5), Inches(4), data)
    deck.save(str(tmp_path / "a.pptx"))
    (table,) = of_type(ready(parse(tmp_path / "a.pptx")), BlockType.TABLE)
    assert table.table == [["", "beds"], ["Monday", "12"], ["Tuesday", "15.5"]]
    assert table.box is not None and table.page == 1


def test_a_table_in_a_frame_is_read_as_a_table(tmp_path: Path, parse: Parse) -> None:
    document = docx.Document()
    inner = document.add_table(rows=1, cols=1).cell(0, 0).add_table(rows=2, cols=2)
    for place, text in zip(((0, 0), (0, 1), (1, 0), (1, 1)), ("day", "beds", "Monday", "12"), strict=True):
        inner.cell(*place).text = text
    document.save(str(tmp_path / "a.docx"))
    (table,) = of_type(ready(parse(tmp_path / "a.docx")), BlockType.TABLE)
    assert table.table == [["day", "beds"], ["Monday", "12"]]
