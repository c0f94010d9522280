"""OpenDocument: ODT and ODP by their XML, ODS through calamine (see xlsx.read_xls)."""

import zipfile
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from liaoyuan.knowledge.parse.archive import open_archive
from liaoyuan.knowledge.parse.blocks import Block, BlockType, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt, Encrypted
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.odf_hidden import drop_hidden
from liaoyuan.knowledge.parse.safe_xml import xml_parse
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _DRAW = (f"{{{_NAMES}{part}:1.0}}" for part in ("text", "table", "drawing"))
_OFFICE, _PRESENTATION, _STYLE = (f"{{{_NAMES}{part}:1.0}}" for part in ("office", "presentation", "style"))
_SKIPPED = frozenset(
    {f"{_TEXT}tracked-changes", f"{_OFFICE}annotation", f"{_PRESENTATION}notes", f"{_TEXT}table-of-content"}
)
_ROW, _CELL, _COVERED = f"{_TABLE}table-row", f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"
_GROUPS = frozenset(f"{_TABLE}{name}" for name in ("table-header-rows", "table-rows", "table-row-group"))
_MOST_REPEATS, _MOST_ROWS, _DEPTH = 64, 20_000, 60


def read_odt(source: Source) -> ParsedDocument:
    """Text in order; tracked deletions, comments, notes pages and generated contents are left out."""
    root = _content(source)
    body = next(iter(root.iter(f"{_OFFICE}text")), None)
    if body is None:
        raise Corrupt(name=source.name)
    flags = {"hidden_text"} if drop_hidden(body, root) else set[str]()
    blocks = list(_blocks(body, 0))
    return ParsedDocument(_title(blocks) or source.stem, "", [], blocks, flags)


def read_odp(source: Source) -> ParsedDocument:
    """Each slide under its number, its first text as its heading."""
    blocks: list[Block] = []
    pages: list[PageInfo] = []
    flags: set[str] = set()
    root = _content(source)
    unseen = _unseen_slides(root)
    for number, page in enumerate(root.iter(f"{_DRAW}page"), start=1):
        pages.append(PageInfo(0.0, 0.0))
        if page.get(f"{_DRAW}style-name") in unseen:
            flags |= {"hidden_slide", "hidden_text"}
            continue
        for place, block in enumerate(_blocks(page, 0)):
            heading = place == 0 and block.type is BlockType.PARAGRAPH and len(block.text) <= 120
            kind, level = (BlockType.HEADING, 2) if heading else (block.type, block.level)
            blocks.append(
                Block(kind, block.text, page=number, level=level, locator=f"slide {number}", table=block.table)
            )
    return ParsedDocument(plain(blocks[0].text) if blocks else source.stem, "", pages, blocks, flags)


def _unseen_slides(root: etree._Element) -> frozenset[str]:
    """Names of the styles whose slides are not shown."""
    shown = f"{_PRESENTATION}visibility"
    hiding = (each for each in root.iter(f"{_STYLE}drawing-page-properties") if each.get(shown) == "hidden")
    return frozenset(style.get(f"{_STYLE}name", "") for each in hiding if (style := each.getparent()) is not None)


def _content(source: Source) -> etree._Element:
    try:
        with open_archive(source) as archive:
            manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in archive.namelist() else b""
            if b"encryption-data" in manifest:
                raise Encrypted(name=source.name)
            return xml_parse(archive.read("content.xml"))
    except (KeyError, etree.XMLSyntaxError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Corrupt(name=source.name) from error


def _blocks(parent: etree._Element, depth: int, *, listed: bool = False) -> Iterator[Block]:
    for child in parent:
        if child.tag in _SKIPPED or depth > _DEPTH:
            continue
        if child.tag == f"{_TEXT}h":
            yield from _one(BlockType.HEADING, child, level=_number(child, f"{_TEXT}outline-level", 1) + 1)
        elif child.tag == f"{_TEXT}p":
            yield from _one(BlockType.LIST if listed else BlockType.PARAGRAPH, child)
            for frame in child.iter(f"{_DRAW}text-box"):
                yield from _blocks(frame, depth + 1)
        elif child.tag == f"{_TABLE}table":
            yield from _table(child)
        else:
            yield from _blocks(child, depth + 1, listed=listed or child.tag == f"{_TEXT}list")


def _one(kind: BlockType, element: etree._Element, *, level: int | None = None) -> Iterator[Block]:
    text = _text(element).strip()
    if text:
        yield Block(kind, plain(text) if kind is BlockType.HEADING else text, level=level)


def _text(element: etree._Element) -> str:
    """Text of a paragraph; drawn frames follow it as blocks of their own."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            parts.append(" " * min(_number(child, f"{_TEXT}c", 1), 80))
        elif child.tag == f"{_TEXT}tab":
            parts.append(" ")
        elif child.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif child.tag not in _SKIPPED and not str(child.tag).startswith(_DRAW):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _table(element: etree._Element) -> Iterator[Block]:
    once: Grid = []
    filled: Grid = []
    for row in islice(_rows(element), _MOST_ROWS):
        texts: list[str] = []
        full: list[str] = []
        for cell in row.iterchildren(_CELL, _COVERED):
            text = "\n".join(block.text for block in _blocks(cell, 1))
            above = filled[-1][len(full)] if cell.tag == _COVERED and filled and len(full) < len(filled[-1]) else ""
            for _ in range(min(_number(cell, f"{_TABLE}number-columns-repeated", 1), _MOST_REPEATS)):
                texts.append(text)
                full.append(text or above)
        once.append(texts)
        filled.append(full)
    width = max((len(row) for row in once), default=0)
    if any(any(row) for row in once):
        even = [[row + [""] * (width - len(row)) for row in grid] for grid in (once, filled)]
        yield table_block(even[0], filled=even[1], header=_head_rows(element))


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    """The table's own rows, in their groups too; those of a table in a cell belong to that cell."""
    for child in table:
        if child.tag == _ROW:
            yield child
        elif child.tag in _GROUPS:
            yield from _rows(child)


def _head_rows(table: etree._Element) -> int:
    return sum(1 for head in table.iterchildren(f"{_TABLE}table-header-rows") for _ in _rows(head))


def _number(element: etree._Element, name: str, otherwise: int) -> int:
    value = element.get(name, "")
    return int(value) if value.isdigit() else otherwise


def _title(blocks: list[Block]) -> str:
    first = next((block for block in blocks[:5] if block.type is BlockType.HEADING), None)
    return first.text if first is not None else ""
