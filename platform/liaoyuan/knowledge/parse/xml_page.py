"""XML: the words without their tags. Titles, tables and lists by the names that most vocabularies share, records of
short values as tables with the names of their elements as header."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lxml import etree

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.plain_text import read_text
from liaoyuan.knowledge.parse.safe_xml import xml_recover
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_TITLES = frozenset({"title", "article-title", "invention-title", "heading", "head"})
_PROSE = frozenset(
    {*_TITLES, "p", "para", "simpara", "caption", "subtitle", "claim-text", "li", "listitem", "abstract"}
)
_ITEMS = frozenset({"li", "item", "listitem", "list-item"})
_CODE = frozenset({"pre", "programlisting", "screen", "code", "codeblock"})
_UNREAD = frozenset({"script", "style", "svg", "binary", "binarydata", "annotation", "object", "graphic"})
_TABLES, _ROWS, _CELLS = (
    frozenset({"table", "tgroup", "worksheet"}),
    frozenset({"tr", "row", "table-row"}),
    frozenset({"td", "th", "entry", "cell", "table-cell"}),
)
_MARKUP = re.compile(r"</?(?:p|div|br|a|b|i|em|strong|ul|li|img|span|h[1-6])\b[^>]*>", re.IGNORECASE)
_FORMULA = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
_LONGEST_VALUE, _MOST_DEPTH, _MOST_SPAN = 200, 100, 200


def read_xml(source: Source) -> ParsedDocument:
    """What is no tree at all is read as plain text. Entities that the file declares give nothing."""
    text, lossy = decode(source.data, declared_encoding(source.data))
    root = xml_recover(_DECLARATION.sub("", text, count=1).strip().encode())
    if root is None:
        return read_text(source)
    flags = {"lossy_encoding"} if lossy else set[str]()
    blocks = list(_Walker(flags).element(root, 0, 1))
    title = next((block.text for block in blocks if block.type is BlockType.HEADING), "")
    return ParsedDocument(title or source.stem, "", [], blocks, flags)


class _Walker:
    """Turns elements into blocks; ``level`` is that of a title that stands here."""

    def __init__(self, flags: set[str]) -> None:
        self.flags = flags

    def element(self, node: etree._Element, depth: int, level: int) -> Iterator[Block]:
        """Blocks of ``node`` in order."""
        name = _name(node)
        if name in _UNREAD or not name:
            return
        if name in _TITLES:
            yield from self._one(BlockType.HEADING, node, level=min(level, 6))
        elif name in _TABLES and (grid := _grid(node)):
            yield from _caption(node)
            yield table_block(grid[0], filled=grid[1], header=_head_rows(node))
        elif name in _CODE:
            yield from self._one(BlockType.CODE, node)
        elif depth > _MOST_DEPTH or not _children(node) or _is_mixed(node):
            kind = BlockType.LIST if name in _ITEMS else BlockType.PARAGRAPH
            yield from self._one(BlockType.CAPTION if name == "caption" else kind, node)
        else:
            for block in self._inside(node, depth, level):
                listed = name in _ITEMS and block.type is BlockType.PARAGRAPH
                yield replace(block, type=BlockType.LIST) if listed else block

    def _inside(self, node: etree._Element, depth: int, level: int) -> Iterator[Block]:
        children = _children(node)
        if any(_name(child) in _TITLES for child in children) and depth:
            level += 1
        at = 0
        while at < len(children):
            records = _records(children, at)
            if records:
                yield table_block(_of_records(records))
                at += len(records)
                continue
            values = _values(children, at)
            if values:
                yield from self._named(values, depth, level)
                at += len(values)
                continue
            yield from self.element(children[at], depth + 1, level)
            at += 1

    def _named(self, values: list[etree._Element], depth: int, level: int) -> Iterator[Block]:
        """Short values with their names; where they all have one it says nothing, and each stands for itself."""
        if len({_name(value) for value in values}) == 1:
            for value in values:
                yield from self.element(value, depth + 1, level)
            return
        lines = [f"{_tag(value)}: {plain(_words(value))}" for value in values if _words(value).strip()]
        if lines:
            yield Block(BlockType.PARAGRAPH, "\n".join(lines))

    def _one(self, kind: BlockType, node: etree._Element, *, level: int | None = None) -> Iterator[Block]:
        text = _words(node)
        if kind is not BlockType.CODE and kind is not BlockType.HEADING and len(_MARKUP.findall(text)) > 1:
            inner = html_document(text, "")
            self.flags |= inner.flags
            yield from (replace(block, heading_path=()) for block in inner.blocks)
        elif kind is BlockType.CODE and text.strip():
            yield Block(kind, text.strip("\n"))
        elif text.strip():
            label = _label(node) if kind is BlockType.HEADING else ""
            yield Block(kind, plain(f"{label} {text}"), level=level)


def _tag(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _name(node: etree._Element) -> str:
    return _tag(node).lower()


def _children(node: etree._Element) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str) and _name(child) != "label"]


def _label(title: etree._Element) -> str:
    """The number that stands before a title as an element of its own."""
    before = title.getprevious()
    return _words(before) if before is not None and _name(before) == "label" else ""


def _words(node: etree._Element) -> str:
    """All text below; of a formula given twice the one that was typed."""
    typed = (
        next((each for each in node.iter("{*}tex-math") if each.text), None) if _name(node) == "alternatives" else None
    )
    if _name(node) == "tex-math" or typed is not None:
        text = "".join(map(str, (typed if typed is not None else node).itertext()))
        found = _FORMULA.search(text)
        return plain(found.group(1) if found else text).strip("$")
    parts = [node.text or ""]
    for child in node:
        if isinstance(child, etree._Entity):
            parts.append(html.unescape(child.text))
        elif isinstance(child.tag, str) and _name(child) not in _UNREAD:
            parts.append(_words(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _is_mixed(node: etree._Element) -> bool:
    """Words beside its elements: a sentence with marks in it."""
    return bool((node.text or "").strip()) or any((child.tail or "").strip() for child in node)


def _is_value(node: etree._Element) -> bool:
    short = not _children(node) and len(node.text or "") <= _LONGEST_VALUE
    return short and _name(node) not in _PROSE | _UNREAD | _CODE | _ITEMS


def _from(nodes: Sequence[etree._Element], start: int) -> Iterator[etree._Element]:
    """``nodes[start:]`` without a copy, which for a hundred thousand siblings would be made as often."""
    return map(nodes.__getitem__, range(start, len(nodes)))


def _values(nodes: Sequence[etree._Element], start: int) -> list[etree._Element]:
    """The short values from ``start`` on."""
    found = []
    for node in _from(nodes, start):
        if not _is_value(node):
            break
        found.append(node)
    return found


def _records(nodes: Sequence[etree._Element], start: int) -> list[etree._Element]:
    """Two or more of one name from ``start`` on that hold short values alone, each name once."""
    found = []
    for node in _from(nodes, start):
        if _name(node) != _name(nodes[start]) or not _is_record(node):
            break
        found.append(node)
    return found if len(found) > 1 else []


def _is_record(node: etree._Element) -> bool:
    values = _children(node)
    names = [_name(value) for value in values]
    if _is_mixed(node) or len(set(names)) != len(names):
        return False
    return all(map(_is_value, values)) and len(_of_record(node)) > 1


def _of_record(node: etree._Element) -> dict[str, str]:
    attributes = {etree.QName(str(key)).localname: str(value) for key, value in node.attrib.items()}
    return attributes | {_tag(value): plain(_words(value)) for value in _children(node)}


def _of_records(records: Sequence[etree._Element]) -> Grid:
    rows = [_of_record(record) for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([row.get(name, "") for name in names] for row in rows)]


def _caption(table: etree._Element) -> Iterator[Block]:
    caption = next((child for child in table if _name(child) == "caption"), None)
    if caption is not None and _words(caption).strip():
        yield Block(BlockType.CAPTION, plain(_words(caption)))


def _own_rows(table: etree._Element) -> Iterator[etree._Element]:
    for child in _children(table):
        if _name(child) in _ROWS:
            yield child
        elif _name(child) not in _CELLS:
            yield from _own_rows(child)


def _head_rows(table: etree._Element) -> int:
    return sum(1 for head in table.iter("{*}thead") for _ in _own_rows(head))


def _grid(table: etree._Element) -> tuple[Grid, Grid] | None:
    """Cells placed by their spans: each value once, and repeated downwards. None where there is none."""
    once: Grid = []
    filled: Grid = []
    pending: dict[int, tuple[int, str]] = {}
    for row in _own_rows(table):
        texts: list[str] = []
        full: list[str] = []
        for cell in (child for child in row if _name(child) in _CELLS):
            _fill(pending, texts, full)
            words, across = plain(_words(cell)), _across(cell)
            for offset in range(across):
                if (down := _down(cell)) > 1:
                    pending[len(texts)] = (down - 1, "" if offset else words)
                texts.append("" if offset else words)
                full.append("" if offset else words)
        _fill(pending, texts, full)
        once.append(texts)
        filled.append(full)
    width = max(map(len, once), default=0)
    if width < 1 or not any(map(any, once)):
        return None
    return [row + [""] * (width - len(row)) for row in once], [row + [""] * (width - len(row)) for row in filled]


def _fill(pending: dict[int, tuple[int, str]], texts: list[str], full: list[str]) -> None:
    while len(texts) in pending:
        left, words = pending.pop(len(texts))
        if left > 1:
            pending[len(texts)] = (left - 1, words)
        texts.append("")
        full.append(words)


def _down(cell: etree._Element) -> int:
    return _number(cell, "rowspan", 1) if cell.get("rowspan") else _number(cell, "morerows", 0) + 1


def _across(cell: etree._Element) -> int:
    first, last = (re.sub(r"\D", "", cell.get(name, "")) for name in ("namest", "nameend"))
    if first and last and int(last[:4]) >= int(first[:4]):
        return min(int(last[:4]) - int(first[:4]) + 1, _MOST_SPAN)
    return _number(cell, "colspan", 1)


def _number(cell: etree._Element, name: str, otherwise: int) -> int:
    value = cell.get(name, "").strip()
    return max(otherwise, min(int(value), _MOST_SPAN)) if value.isdigit() and len(value) < 6 else otherwise
