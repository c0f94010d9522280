"""XLSX and XLS: each sheet a table, values as last calculated, bounded in cells."""

import datetime
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from lxml import etree
from openpyxl.chartsheet import Chartsheet
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from liaoyuan.knowledge.parse.blocks import Block, BlockType, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt, PasswordNeeded
from liaoyuan.knowledge.parse.grid import table_block
from liaoyuan.knowledge.parse.regions import regions
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain
from liaoyuan.knowledge.parse.xlsx_charts import Charts
from liaoyuan.knowledge.parse.xlsx_hidden import unseen
from liaoyuan.knowledge.parse.xlsx_marks import Marks
from liaoyuan.knowledge.parse.xlsx_numbers import cell_value

_MOST_COLUMNS = 1024
_EMPTY_ROWS = 10_000
_ROWS_A_BLOCK = 200
_BROKEN = (
    InvalidFileException,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    zipfile.BadZipFile,
    etree.XMLSyntaxError,
    ParseError,
    EOFError,
    OSError,
)
Rows = list[tuple[int, list[str]]]


class _Budget:
    """Counts down the cells of the whole file."""

    def __init__(self, cells: int) -> None:
        self.left = cells


def read_xlsx(source: Source) -> ParsedDocument:
    """Formulas give the value that was saved with them; what is hidden is left out and told: sheets, rows,
    columns, and cells whose words cannot be seen."""
    budget, flags, blocks = _Budget(source.limits.cells), set[str](), list[Block]()
    try:
        book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=True, keep_links=False)
        marks, charts = Marks(source.data, unseen(book, source.data)), Charts(source.data)
        for name in book.sheetnames:
            sheet: Any = book[name]
            if sheet.sheet_state != "visible":
                flags |= {"hidden_sheet", "hidden_text"}
                continue
            if isinstance(sheet, Chartsheet):
                blocks.extend(_under(sheet.title, charts.alone(sheet.title, flags)))
                continue
            sheet.reset_dimensions()
            cells = (map(cell_value, row) for row in sheet.iter_rows(max_col=_MOST_COLUMNS))
            rows = _bounded(cells, budget, flags)
            path = str(getattr(sheet, "_worksheet_path", ""))
            found = marks.of(path)
            tables = _sheet_blocks(sheet.title, found.shown(rows, flags), found.merges)
            blocks.extend(_under(sheet.title, chain(tables, charts.of(path, sheet.title, flags))))
        book.close()
    except _BROKEN as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(_title(blocks, source), "", _no_pages(), blocks, flags)


def read_xls(source: Source) -> ParsedDocument:
    """The older binary format, through calamine."""
    import python_calamine

    budget, flags, blocks = _Budget(source.limits.cells), set[str](), list[Block]()
    try:
        book = python_calamine.CalamineWorkbook.from_object(io.BytesIO(source.data))
        for meta in book.sheets_metadata:
            name = meta.name
            if meta.typ is not python_calamine.SheetTypeEnum.WorkSheet:
                continue
            if meta.visible is not python_calamine.SheetVisibleEnum.Visible:
                flags |= {"hidden_sheet", "hidden_text"}
                continue
            rows = _bounded(book.get_sheet_by_name(name).iter_rows(), budget, flags)
            blocks.extend(_under(name, _sheet_blocks(name, rows, [])))
    except python_calamine.PasswordError as error:
        raise PasswordNeeded(name=source.name) from error
    except (python_calamine.CalamineError, *_BROKEN) as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(_title(blocks, source), "", _no_pages(), blocks, flags)


def _no_pages() -> list[PageInfo]:
    return []


def _bounded(rows: Iterable[Iterable[object]], budget: _Budget, flags: set[str]) -> Rows:
    """Rows that hold something, with their number; ends at the cell budget or after a long stretch of nothing."""
    kept: Rows = []
    empty = 0
    for number, row in enumerate(rows, start=1):
        cells = [_shown(value) for value in row]
        if not any(cells):
            empty += 1
            if empty > _EMPTY_ROWS:
                flags.add("sparse_sheet")
                break
            continue
        empty = 0
        while cells and not cells[-1]:
            cells.pop()
        budget.left -= len(cells)
        if budget.left < 0:
            flags.add("cell_limit")
            break
        kept.append((number, cells))
    return kept


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    return str(value).strip()


def _under(title: str, blocks: Iterable[Block]) -> list[Block]:
    """What stands on a sheet below its name; nothing of an empty one."""
    found = list(blocks)
    return [Block(BlockType.HEADING, title, level=2, locator=title), *found] if found else []


def _sheet_blocks(title: str, rows: Rows, merges: list[str]) -> Iterator[Block]:
    for part in regions(rows):
        yield from _part_blocks(title, part, merges)


def _part_blocks(title: str, rows: Rows, merges: list[str]) -> Iterator[Block]:
    width = max(len(cells) for _, cells in rows)
    rows = [(number, cells + [""] * (width - len(cells))) for number, cells in rows]
    lead = 0
    # A title over the table: rows at the top with one cell only.
    wide = max(sum(map(bool, cells)) for _, cells in rows) > 1
    while lead < len(rows) - 1 and wide and sum(map(bool, rows[lead][1])) == 1 and lead < 3:
        yield _lone(title, *rows[lead])
        lead += 1
    if wide or len(rows) - lead > 1:
        yield from _table_blocks(title, rows[lead:], width, merges)
    else:
        yield from (_lone(title, number, cells) for number, cells in rows[lead:])


def _lone(title: str, number: int, cells: list[str]) -> Block:
    column = next(index for index, cell in enumerate(cells) if cell)
    return Block(BlockType.PARAGRAPH, cells[column], locator=f"{title}!{get_column_letter(column + 1)}{number}")


def _table_blocks(title: str, rows: Rows, width: int, merges: list[str]) -> Iterator[Block]:
    filled = _filled_down(rows, merges)
    names: list[list[str]] = []
    used = [index for index in range(width) if any(cells[index] for _, cells in rows)]
    for start in range(0, len(rows), _ROWS_A_BLOCK):
        part = rows[start : start + _ROWS_A_BLOCK]
        locator = f"{title}!{get_column_letter(used[0] + 1)}{part[0][0]}:{get_column_letter(used[-1] + 1)}{part[-1][0]}"
        once = [[cells[index] for index in used] for _, cells in part]
        full = [[filled[number][index] for index in used] for number, _ in part]
        if not start:
            first = table_block(once, filled=full, locator=locator)
            names = full[: first.header_rows]
            yield first
            continue
        # The header goes along, so that a later part of a long sheet still names its columns.
        yield replace(table_block(once, locator=locator), table=[*names, *full], header_rows=len(names))


def _filled_down(rows: Rows, merges: list[str]) -> dict[int, list[str]]:
    filled = {number: list(cells) for number, cells in rows}
    for reference in merges:
        left, top, _, bottom = range_boundaries(reference)
        if left is None or top is None or bottom is None or bottom == top or top not in filled:
            continue
        for number in range(top + 1, min(bottom, top + 5000) + 1):
            if number in filled and left - 1 < len(filled[number]) and left - 1 < len(filled[top]):
                filled[number][left - 1] = filled[number][left - 1] or filled[top][left - 1]
    return filled


def _title(blocks: list[Block], source: Source) -> str:
    first = next((block for block in blocks if block.type is not BlockType.HEADING), None)
    return (
        plain(first.text)
        if first is not None and first.type is BlockType.PARAGRAPH and len(first.text) <= 80
        else source.stem
    )
