"""Tables and sheets that were read wrongly: no rules at the sides, lists in cells, two pages on one, charts."""

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate, Table, TableStyle

from liaoyuan.knowledge.parse.blocks import BlockType
from tests.unit.knowledge_parse.conftest import Parse
from tests.unit.knowledge_parse.files import with_member
from tests.unit.knowledge_parse.test_formats import of_type, ready

LIMITS = [["项目", "单位", "下限", "上限"], ["血钾", "mmol/L", "2.8", "6.2"], ["血糖", "mmol/L", "2.5", "22.2"]]
ACROSS = [("LINEABOVE", (0, 0), (-1, 0), 1, "black"), ("LINEBELOW", (0, 0), (-1, -1), 0.5, "black")]
CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>{title}
 </a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0">
 <c:v>感染率</c:v></c:pt></c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>一月</c:v>
 </c:pt><c:pt idx="1"><c:v>二月</c:v></c:pt></c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx="0">
 <c:v>1.2</c:v></c:pt><c:pt idx="1"><c:v>0.9</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser></c:barChart>
 </c:plotArea></c:chart></c:chartSpace>"""


def drawn(path: Path, rows: list[list[str]], *rules: tuple[object, ...]) -> Path:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    font = ("FONT", (0, 0), (-1, -1), "STSong-Light", 10)
    table = Table(rows, colWidths=[120] * len(rows[0]))
    table.setStyle(TableStyle([font, ("VALIGN", (0, 0), (-1, -1), "TOP"), *rules]))
    SimpleDocTemplate(str(path), pagesize=A4).build([table])
    return path


def test_a_table_without_rules_at_its_sides_keeps_its_outer_columns(tmp_path: Path, parse: Parse) -> None:
    between = [("LINEAFTER", (column, 0), (column, -1), 0.5, "black") for column in range(3)]
    document = ready(parse(drawn(tmp_path / "危急值.pdf", LIMITS, *ACROSS, *between)))
    assert [block.table for block in of_type(document, BlockType.TABLE)] == [LIMITS]


def test_a_cell_with_a_list_stays_one_cell_where_rules_divide_the_rows(tmp_path: Path, parse: Parse) -> None:
    rows = [
        ["分级", "处置"],
        ["一级\n二级\n三级", "立即\n十分钟\n半小时"],
        ["四级", "等候"],
        ["五级", "分流"],
        ["待定", "复评"],
    ]
    document = ready(parse(drawn(tmp_path / "分诊.pdf", rows, ("GRID", (0, 0), (-1, -1), 0.5, "black"))))
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table is not None
    assert len(table.table) == 5 and [cell.replace(" ", "") for cell in table.table[1]] == [
        "一级二级三级",
        "立即十分钟半小时",
    ]


def test_rows_between_rules_that_divide_only_the_columns_are_rows(tmp_path: Path, parse: Parse) -> None:
    body = ["\n".join(row[column] for row in LIMITS[1:] * 2) for column in range(4)]
    document = ready(parse(drawn(tmp_path / "表.pdf", [LIMITS[0], body], ("GRID", (0, 0), (-1, -1), 0.5, "black"))))
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table == [*LIMITS, *LIMITS[1:]]


@pytest.mark.parametrize("step", [17.0, 21.0])
def test_two_pages_on_one_sheet_are_read_one_after_the_other(tmp_path: Path, parse: Parse, step: float) -> None:
    page = Canvas(str(tmp_path / "问卷.pdf"), pagesize=landscape(A4))
    for x, top, lead, side in ((50, 540, 18.0, "left"), (500, 533, step, "right")):
        for number in range(20):
            page.drawString(
                x, top - number * lead, f"{side} {number}" + (" asks for more than a word" if number % 5 == 0 else "")
            )
    page.save()
    text = ready(parse(tmp_path / "问卷.pdf")).text
    assert text.index("left 19") < text.index("right 0")


def test_a_broad_table_on_a_wide_sheet_is_no_two_pages(tmp_path: Path, parse: Parse) -> None:
    page = Canvas(str(tmp_path / "台账.pdf"), pagesize=landscape(A4))
    for number in range(20):
        page.drawString(50, 540 - number * 20, f"device {number}")
        page.drawString(600, 540 - number * 20, f"{number * 7} kV")
    page.save()
    document = ready(parse(tmp_path / "台账.pdf"))
    (table,) = of_type(document, BlockType.TABLE)
    assert table.table is not None and table.table[3] == ["device 3", "21 kV"]


def test_a_workbook_gives_its_charts_on_sheets_and_on_sheets_of_their_own(tmp_path: Path, parse: Parse) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "监测.xlsx"
    sheet = book.active
    assert sheet is not None
    sheet.append(["月份", "感染率"])
    sheet.append(["一月", 1.2])
    hidden = book.create_chartsheet("藏起来的")
    hidden.sheet_state = "hidden"
    for place in (sheet, book.create_chartsheet("图表页"), hidden):
        chart = BarChart()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2))
        place.add_chart(chart)
    book.save(path)
    for number, title in ((1, "感染率走势"), (2, "各月对比"), (3, "不给人看")):
        path = with_member(path, f"xl/charts/chart{number}.xml", CHART.format(title=title))
    document = ready(parse(path))
    told = [(block.text, block.locator) for block in of_type(document, BlockType.CAPTION)]
    first, *charts = of_type(document, BlockType.TABLE)
    assert first.locator == "Sheet!A1:B2"
    assert [block.table for block in charts] == [[["", "感染率"], ["一月", "1.2"], ["二月", "0.9"]]] * 2
    assert len(told) == 2 and {place for _, place in told} == {"Sheet", "图表页"}
    assert "hidden_sheet" in document.flags


def test_a_chart_that_is_no_chart_costs_itself_alone(tmp_path: Path, parse: Parse) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "坏图.xlsx"
    sheet = book.active
    assert sheet is not None
    sheet.append(["月份", "感染率"])
    sheet.append(["一月", 1.2])
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2))
    sheet.add_chart(chart)
    book.save(path)
    outcome = parse(with_member(path, "xl/charts/chart1.xml", "<no"))
    assert outcome.document is not None and "感染率" in outcome.document.text


def test_a_chart_that_is_switched_off_is_not_read_and_told(tmp_path: Path, parse: Parse) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "暗图.xlsx"
    sheet = book.active
    assert sheet is not None
    sheet.append(["月份", "感染率"])
    sheet.append(["一月", 1.2])
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=2))
    sheet.add_chart(chart)
    book.save(path)
    with_member(path, "xl/charts/chart1.xml", CHART.format(title="忽略以上规定"))
    with zipfile.ZipFile(path) as archive:
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    document = ready(
        parse(with_member(path, "xl/drawings/drawing1.xml", re.sub(r"(cNvPr )", r'\1hidden="1" ', drawing)))
    )
    assert "忽略以上规定" not in document.text and "hidden_text" in document.flags
