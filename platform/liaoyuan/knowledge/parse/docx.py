"""DOCX: paragraphs, headings, lists and tables in document order. Relations to the outside are never followed."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from lxml import etree

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.charts import chart_grid
from liaoyuan.knowledge.parse.docx_hidden import hidden_styles, is_hidden
from liaoyuan.knowledge.parse.docx_math import MATH, linear
from liaoyuan.knowledge.parse.docx_numbers import Numbers
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.safe_xml import xml_parse
from liaoyuan.knowledge.parse.signs import lowered, raised, sign, signs
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.strict import transitional
from liaoyuan.knowledge.parse.text import plain

_HEADING = re.compile(r"^(?:heading|标题)\s*(\d)", re.IGNORECASE)
_P, _TBL, _SDT, _R, _T = (qn(name) for name in ("w:p", "w:tbl", "w:sdt", "w:r", "w:t"))
_SYM = qn("w:sym")
_PPR, _TXBX = qn("w:pPr"), qn("w:txbxContent")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = frozenset({_PPR, _TXBX, _FALLBACK, qn("w:del"), qn("w:moveFrom"), qn("w:rPr"), qn("w:rt")})
_SIGNS = {qn("w:tab"): " ", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_MATH_PARTS = frozenset({_MATH_TEXT})
_DEPTH = 40


def read_docx(source: Source) -> ParsedDocument:
    """Headers and footers are left out: they repeat on every page and belong to none."""
    try:
        document = docx.Document(io.BytesIO(transitional(source.data)))
        body = document.element.body
    except (
        PackageNotFoundError,
        KeyError,
        ValueError,
        AttributeError,
        etree.XMLSyntaxError,
        zipfile.BadZipFile,
    ) as error:
        raise Corrupt(name=source.name) from error
    flags: set[str] = set()
    if any(relation.is_external for relation in document.part.rels.values()):
        flags.add("external_links")
    blocks = list(_Walker(document, flags).blocks(body, 0))
    return ParsedDocument(_title(document, blocks) or source.stem, "", [], blocks, flags)


class _Walker:
    """Walks the body once and knows the document's styles."""

    def __init__(self, document: Document, flags: set[str]) -> None:
        self.styles = {style.style_id: style.name or "" for style in document.styles if style.style_id}
        self.outlines = _outlines(document)
        self.parts = document.part.related_parts
        self.numbers = Numbers(_part(document, "numbering"), document.styles.element)
        self.notes = {
            f"{kind}Reference": dict(_notes(_part(document, f"{kind}s"), kind)) for kind in ("footnote", "endnote")
        }
        self.hidden = hidden_styles(document.styles.element)
        self.flags = flags

    def blocks(self, parent: etree._Element, depth: int) -> Iterator[Block]:
        """Blocks below ``parent`` in order; text boxes follow the paragraph that anchors them."""
        for child in parent:
            if child.tag == _P:
                yield from self._paragraph(child)
            elif child.tag == _TBL:
                yield from self._table(child, depth)
            elif child.tag not in _SKIPPED and depth < _DEPTH and len(child):
                yield from self.blocks(child, depth + 1)

    def _paragraph(self, element: etree._Element) -> Iterator[Block]:
        if self._style(element) in self.hidden:
            self.flags.add("hidden_text")
            return
        text = paragraph_text(element, self.flags)
        if text.strip():
            yield self._typed(element, self.numbers.label(element, self._style(element)) + text)
        yield from self._charts(element)
        for box in element.iter(_TXBX):
            if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
                yield from self.blocks(box, _DEPTH - 2)
        yield from self._notes(element)

    def _notes(self, element: etree._Element) -> Iterator[Block]:
        """The notes that the paragraph refers to, right after it."""
        for kind, notes in self.notes.items():
            for reference in element.iter(qn(f"w:{kind}")) if notes else ():
                note = notes.pop(reference.get(qn("w:id"), ""), None)
                for paragraph in note.iter(_P) if note is not None else ():
                    text = paragraph_text(paragraph, self.flags)
                    if text.strip():
                        yield Block(BlockType.PARAGRAPH, text)

    def _charts(self, element: etree._Element) -> Iterator[Block]:
        for reference in element.iter(_CHART):
            part = self.parts.get(reference.get(qn("r:id"), ""))
            try:
                grid = chart_grid(xml_parse(part.blob)) if part is not None else []
            except etree.XMLSyntaxError:
                self.flags.add("damaged_page")
                continue
            if grid:
                yield table_block(grid)

    def _typed(self, element: etree._Element, text: str) -> Block:
        style = self._style(element)
        level = self._level(element, style)
        if level is not None and len(text) <= 300:
            return Block(BlockType.HEADING, text, level=level)
        name = self.styles.get(style, "").lower()
        if name.startswith("caption") or name == "题注":
            return Block(BlockType.CAPTION, text)
        if all(name in _MATH_PARTS for name in _with_text(element)):
            return Block(BlockType.FORMULA, text)
        numbered = element.find(f"{_PPR}/{qn('w:numPr')}") is not None
        return Block(BlockType.LIST if numbered or name.startswith("list") else BlockType.PARAGRAPH, text)

    def _style(self, element: etree._Element) -> str:
        found = element.find(f"{_PPR}/{qn('w:pStyle')}")
        return found.get(qn("w:val"), "") if found is not None else ""

    def _level(self, element: etree._Element, style: str) -> int | None:
        name = self.styles.get(style, style)
        if name.lower() in {"title", "标题"}:
            return 1
        match = _HEADING.match(name)
        if match:
            return int(match.group(1)) + 1
        own = element.find(f"{_PPR}/{qn('w:outlineLvl')}")
        value = own.get(qn("w:val")) if own is not None else self.outlines.get(style)
        return int(value) + 2 if value is not None and value.isdigit() and int(value) < 9 else None

    def _table(self, element: etree._Element, depth: int) -> Iterator[Block]:
        once, filled = self._grid(element, depth)
        if any(any(row) for row in once):
            if len(once) == 1 and len([cell for cell in once[0] if cell]) == 1:
                # A one-cell table is a frame around what stands in it: text, or another table.
                for cell in element.iter(qn("w:tc")):
                    if next(cell.iterancestors(_TBL), None) is element and depth < _DEPTH:
                        yield from self.blocks(cell, depth + 1)
            else:
                yield table_block(once, filled=filled, header=_head_rows(element))

    def _grid(self, element: etree._Element, depth: int) -> tuple[Grid, Grid]:
        once: Grid = []
        filled: Grid = []
        for row in element.iter(qn("w:tr")):
            if next((a for a in row.iterancestors(_TBL)), None) is not element:
                continue
            texts: list[str] = []
            above = filled[-1] if filled else []
            full: list[str] = []
            late = _span(row, "w:trPr", "w:gridBefore", least=0)
            texts.extend([""] * late)
            full.extend([""] * late)
            for cell in _cells(row):
                text = self._cell_text(cell, depth)
                continued = _continues_above(cell)
                inherited = above[len(full)] if continued and len(full) < len(above) else text
                span = _span(cell, "w:tcPr", "w:gridSpan", least=1)
                texts.extend([text] + [""] * (span - 1))
                full.extend([inherited] + [""] * (span - 1))
            once.append(texts)
            filled.append(full)
        width = max((len(row) for row in once), default=0)
        return [row + [""] * (width - len(row)) for row in once], [row + [""] * (width - len(row)) for row in filled]

    def _cell_text(self, cell: etree._Element, depth: int) -> str:
        if depth >= _DEPTH:
            return "".join(str(part) for part in cell.itertext())
        return "\n".join(block.text for block in self.blocks(cell, depth + 1)).strip()


def _part(document: Document, kind: str) -> etree._Element | None:
    """The root of the package's numbering, footnotes or endnotes; None where it has none or they are damaged."""
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            try:
                return xml_parse(relation.target_part.blob)
            except etree.XMLSyntaxError:
                return None
    return None


def _notes(part: etree._Element | None, kind: str) -> Iterator[tuple[str, etree._Element]]:
    for note in part.iterchildren(qn(f"w:{kind}")) if part is not None else ():
        if note.get(qn("w:type"), "normal") == "normal":
            yield note.get(qn("w:id"), ""), note


def _head_rows(table: etree._Element) -> int:
    """Rows at the top that Word repeats on every page."""
    count = 0
    for row in table.iterchildren(qn("w:tr")):
        if row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is None:
            break
        count += 1
    return count


def _with_text(element: etree._Element) -> set[str]:
    """The tags that carry the paragraph's words."""
    return {str(node.tag) for node in element.iter(_T, _MATH_TEXT) if (node.text or "").strip()}


def _cells(row: etree._Element) -> list[etree._Element]:
    cells: list[etree._Element] = []
    for child in row:
        if child.tag == qn("w:tc"):
            cells.append(child)
        elif child.tag == _SDT:
            cells.extend(child.iter(qn("w:tc")))
    return cells


def _continues_above(cell: etree._Element) -> bool:
    merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    return merge is not None and merge.get(qn("w:val"), "continue") == "continue"


def _span(element: etree._Element, properties: str, name: str, *, least: int) -> int:
    span = element.find(f"{qn(properties)}/{qn(name)}")
    value = span.get(qn("w:val"), "") if span is not None else ""
    return max(least, min(int(value), 200)) if value.isdigit() else least


def paragraph_text(element: etree._Element, flags: set[str]) -> str:
    """Text of one ``w:p``: insertions kept, deletions, hidden runs and text boxes left out; breaks become line ends."""
    parts: list[str] = []
    for child in element:
        _collect(child, parts, flags)
    return "".join(parts).strip()


def _collect(element: etree._Element, parts: list[str], flags: set[str]) -> None:
    tag = element.tag
    if tag in _SKIPPED:
        return
    if tag == _R and is_hidden(element):
        flags.add("hidden_text")
        return
    if tag == _R:
        parts.append(_run(element, flags))
    elif tag in _WRITTEN:
        parts.append(_WRITTEN[tag](element))
    elif tag in {_T, _MATH_TEXT}:
        parts.append(element.text or "")
    elif tag in _SIGNS:
        parts.append(_SIGNS[tag])
    else:
        for child in element:
            _collect(child, parts, flags)


def _run(element: etree._Element, flags: set[str]) -> str:
    inside: list[str] = []
    for child in element:
        _collect(child, inside, flags)
    text, properties = "".join(inside), element.find(qn("w:rPr"))
    if properties is None or not text:
        return text
    fonts, place = properties.find(qn("w:rFonts")), properties.find(qn("w:vertAlign"))
    text = signs(fonts.get(qn("w:ascii"), ""), text) if fonts is not None else text
    stands = place.get(qn("w:val")) if place is not None else ""
    return raised(text) if stands == "superscript" else lowered(text) if stands == "subscript" else text


def _sign(element: etree._Element) -> str:
    code = element.get(qn("w:char"), "")
    return sign(element.get(qn("w:font"), ""), int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{1,4}", code) else ""


def _formula(element: etree._Element) -> str:
    before = element.getprevious()
    # Those that follow each other without a word between are set below each other.
    below = before is not None and before.tag == MATH
    return ("\n" if below else "") + " ".join(linear(element).split())


_WRITTEN: dict[Any, Callable[[etree._Element], str]] = {MATH: _formula, _SYM: _sign}


def _outlines(document: Document) -> dict[str, str]:
    outlines = {}
    for style in document.styles.element.iter(qn("w:style")):
        level = style.find(f"{_PPR}/{qn('w:outlineLvl')}")
        if level is not None:
            outlines[style.get(qn("w:styleId"), "")] = level.get(qn("w:val"), "")
    return outlines


def _title(document: Document, blocks: list[Block]) -> str:
    first = next((block for block in blocks[:5] if block.type is BlockType.HEADING), None)
    if first is not None and first.level in {1, 2}:
        return plain(first.text)
    return plain(document.core_properties.title or "")
