"""PPTX: slides as pages; titles, text, tables and speaker notes, each shape with its box."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pptx
from lxml import etree
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError
from pptx.oxml.ns import qn
from pptx.util import Pt

from liaoyuan.knowledge.parse.blocks import Block, BlockType, Box, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.charts import chart_grid
from liaoyuan.knowledge.parse.docx_math import MATH, linear
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.pptx_hidden import SlideGround
from liaoyuan.knowledge.parse.signs import lowered, raised, signs
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

_TITLES = {PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE}
_FURNITURE = {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.HEADER}
_BROKEN = (
    PackageNotFoundError,
    KeyError,
    ValueError,
    AttributeError,
    IndexError,
    TypeError,
    zipfile.BadZipFile,
    etree.XMLSyntaxError,
)
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_DEPTH = 10


def read_pptx(source: Source) -> ParsedDocument:
    """Slide order, then top to bottom within a slide with the title first; what is not shown is left out and told:
    hidden slides, shapes beside the slide, and words that vanish in their ground."""
    flags: set[str] = set()
    try:
        deck = pptx.Presentation(io.BytesIO(source.data))
        size = PageInfo((deck.slide_width or Pt(720)) / Pt(1), (deck.slide_height or Pt(540)) / Pt(1))
        pages: list[PageInfo] = []
        blocks: list[Block] = []
        for number, slide in enumerate(deck.slides, start=1):
            if number > source.limits.pages:
                flags.add("page_limit")
                break
            pages.append(size)
            if slide.element.get("show") == "0":
                flags |= {"hidden_slide", "hidden_text"}
                continue
            blocks.extend(_slide_blocks(slide, number, size, flags))
    except _BROKEN as error:
        raise Corrupt(name=source.name) from error
    title = next((plain(block.text) for block in blocks if block.type is BlockType.HEADING), "")
    return ParsedDocument(title or source.stem, "", pages, blocks, flags)


def _slide_blocks(slide: Any, number: int, size: PageInfo, flags: set[str]) -> Iterator[Block]:
    shapes = sorted(_flat(slide.shapes, 0), key=lambda shape: (not _is_title(shape), shape.top or 0, shape.left or 0))
    ground = SlideGround(slide)
    for shape in shapes:
        box = _box(shape)
        flags |= {"hidden_text"} if ground.clear(shape, box) else set()
        found = list(_shape_blocks(shape, number))
        if _unseen(shape) or (box is not None and not _on_slide(box, size)):
            flags |= {"hidden_text"} if found else set()
            continue
        yield from found
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield Block(BlockType.PARAGRAPH, notes, page=number, locator=f"slide {number} notes")


def _flat(shapes: Iterable[Any], depth: int) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < _DEPTH:
            yield from _flat(shape.shapes, depth + 1)
        else:
            yield shape


def _on_slide(box: Box, size: PageInfo) -> bool:
    return box[2] > 0 and box[3] > 0 and box[0] < size.width and box[1] < size.height


def _unseen(shape: Any) -> bool:
    """Switched off in the selection pane."""
    return any(node.get("hidden") in {"1", "true"} for node in shape._element.iter("{*}cNvPr"))


def _placeholder(shape: Any) -> PP_PLACEHOLDER | None:
    return shape.placeholder_format.type if shape.is_placeholder else None


def _is_title(shape: Any) -> bool:
    return _placeholder(shape) in _TITLES


def _shape_blocks(shape: Any, number: int) -> Iterator[Block]:
    if _placeholder(shape) in _FURNITURE:
        return
    box = _box(shape)
    locator = f"slide {number}"
    if getattr(shape, "has_table", False):
        once, filled = _grid(shape.table)
        block = table_block(once, filled=filled, page=number, locator=locator)
        yield replace(block, box=box)
    elif getattr(shape, "has_chart", False):
        grid = chart_grid(shape.chart._chartSpace)
        if grid:
            found = table_block(grid, page=number, locator=locator)
            yield Block(found.type, found.text, page=number, box=box, locator=locator, table=grid)
    elif shape.has_text_frame:
        yield from _text_blocks(shape, number, box, locator)


def _text_blocks(shape: Any, number: int, box: Box | None, locator: str) -> Iterator[Block]:
    if _is_title(shape):
        text = plain(shape.text_frame.text.replace("\v", " "))
        if text:
            # Level 3: below what a deck's own chapters may be, above nothing inside the slide.
            yield Block(BlockType.HEADING, text, page=number, box=box, level=1 if number == 1 else 3, locator=locator)
        return
    for paragraph in shape.text_frame.paragraphs:
        text = _paragraph(paragraph).strip() or paragraph.text.replace("\v", "\n").strip()
        if text:
            kind = BlockType.LIST if paragraph.level > 0 else BlockType.PARAGRAPH
            yield Block(kind, text, page=number, box=box, locator=locator)


def _paragraph(paragraph: Any) -> str:
    """Its runs, breaks and formulas; fields (the number of the slide, the day) are left out."""
    parts: list[str] = []
    for child in paragraph._p:
        if child.tag == qn("a:br"):
            parts.append("\n")
        elif child.tag == qn("a:r"):
            parts.append(_run(child))
        elif child.tag == _ALTERNATE:
            parts.extend(" ".join(linear(formula).split()) for formula in child.iter(MATH))
    return "".join(parts)


def _run(run: Any) -> str:
    text = "".join(str(node.text or "") for node in run.iter(qn("a:t"))).replace("\v", "\n")
    properties = run.find(qn("a:rPr"))
    if properties is None:
        return text
    font, place = properties.find(qn("a:latin")), properties.get("baseline", "0")
    text = signs(font.get("typeface", ""), text) if font is not None else text
    return text if place in {"0", ""} else lowered(text) if place.startswith("-") else raised(text)


def _grid(table: Any) -> tuple[Grid, Grid]:
    once: Grid = []
    filled: Grid = []
    for row in table.rows:
        texts, full = [], []
        for column, cell in enumerate(row.cells):
            text = cell.text.replace("\v", "\n").strip()
            above = filled[-1][column] if filled and cell.is_spanned and cell._tc.get("vMerge") else ""
            texts.append("" if cell.is_spanned else text)
            full.append(above if cell.is_spanned else text)
        once.append(texts)
        filled.append(full)
    return once, filled


def _box(shape: Any) -> Box | None:
    if shape.left is None or shape.top is None or shape.width is None or shape.height is None:
        return None
    x, y = shape.left / Pt(1), shape.top / Pt(1)
    return (x, y, x + shape.width / Pt(1), y + shape.height / Pt(1))
