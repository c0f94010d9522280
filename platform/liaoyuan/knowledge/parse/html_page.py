"""HTML: what a reader sees. Scripts, styles and navigation go; hidden elements go and are told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.html_hidden import drop_hidden
from liaoyuan.knowledge.parse.html_math import write_formulas
from liaoyuan.knowledge.parse.signs import lowered, raised
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import clean, plain

_DROPPED = (
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "iframe",
    "object",
    "embed",
    "head",
    "nav",
    "select",
    "button",
    "canvas",
    "footer",
    "aside",
)
_INLINE = frozenset(
    {
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i"),
        *("img", "input", "ins", "kbd", "label", "mark", "meter", "output", "progress", "q", "rp", "rt", "ruby", "s"),
        *("samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    }
)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_MOST_DEPTH = 200
# Rows of a table that is still a value in a cell of another.
_LARGEST_INSIDE = 12
_MOST_INSIDE = 200
# Characters of one that has tables in it again.
_LONGEST_INSIDE = 400
_LONGEST_NAME = 20
# Of one table, spans counted out: a few tags may claim billions.
_MOST_COLUMNS, _MOST_CELLS = 1024, 200_000


def read_html(source: Source) -> ParsedDocument:
    """Encoding by mark, declaration or content; nothing is fetched."""
    text, lossy = decode(source.data, declared_encoding(source.data))
    document = html_document(text, source.stem)
    if lossy:
        document.flags.add("lossy_encoding")
    return document


def html_document(markup: str, fallback_title: str) -> ParsedDocument:
    """Blocks of a page already decoded."""
    tree = LexborHTMLParser(markup)
    flags: set[str] = set()
    named = tree.css_first("title")
    title = plain(clean(named.text())[0]) if named is not None else ""
    if drop_hidden(tree):
        flags.add("hidden_text")
    for node in tree.css(",".join(_DROPPED)):
        node.decompose()
    write_formulas(tree)
    body = tree.body
    blocks = list(_Walker().blocks(body)) if body is not None else []
    heading = next((block.text for block in blocks if block.type is BlockType.HEADING and block.level == 1), "")
    return ParsedDocument(plain(heading) or title or fallback_title, "", [], blocks, flags)


class _Walker:
    """Gathers inline text into paragraphs and turns block elements into blocks."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def blocks(self, node: LexborNode, depth: int = 0) -> Iterator[Block]:
        """Blocks below ``node`` in order."""
        for child in node.iter(include_text=True):
            tag = child.tag or ""
            if tag == "-text":
                self.parts.append(child.text(deep=False) or "")
            elif tag == "br":
                self.parts.append("\v")
            elif tag in _INLINE and not _holds_blocks(child):
                self.parts.append(_inline_text(child))
            elif not tag.startswith(("-", "_", "!")):
                yield from self._flush()
                yield from self._element(child, tag, depth)
        yield from self._flush()

    def _element(self, node: LexborNode, tag: str, depth: int) -> Iterator[Block]:
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            yield from _one(BlockType.HEADING, _inline_text(node), level=int(tag[1]))
        elif tag == "table":
            yield from self._table(node, depth)
        elif tag == "pre":
            yield from _one(BlockType.CODE, node.text() or "")
        elif tag in {"figcaption", "caption"}:
            yield from _one(BlockType.CAPTION, _inline_text(node))
        elif depth >= _MOST_DEPTH:
            yield from _one(BlockType.PARAGRAPH, _inline_text(node))
        elif tag in {"li", "dd", "dt"}:
            for block in _Walker().blocks(node, depth + 1):
                yield Block(BlockType.LIST, block.text) if block.type is BlockType.PARAGRAPH else block
        else:
            yield from _Walker().blocks(node, depth + 1)

    def _flush(self) -> Iterator[Block]:
        text, self.parts = "".join(self.parts), []
        yield from _one(BlockType.PARAGRAPH, text)

    def _table(self, node: LexborNode, depth: int) -> Iterator[Block]:
        caption = node.css_first("caption")
        if caption is not None:
            yield from _one(BlockType.CAPTION, _inline_text(caption))
        once, filled = _grid(node) if not _inner_tables(node) or _is_data(node) else ([], [])
        if max((sum(map(bool, row)) for row in once), default=0) > 1:
            yield table_block(once, filled=filled, header=_head_rows(node))
            return
        # One column, or the page's columns as tables inside: a table that only places things.
        for row in _rows(node):
            for cell in row:
                yield from _Walker().blocks(cell, depth + 1)


def _holds_blocks(node: LexborNode) -> bool:
    return node.css_first("p,div,table,ul,ol,h1,h2,h3,h4,h5,h6,li,section,article,pre") is not None


def _inline_text(node: LexborNode) -> str:
    parts = []
    for child in node.traverse(include_text=True):
        if child.tag == "-text":
            parts.append(_placed(child))
        elif child.tag in {"br", "p", "div", "li", "tr"}:
            parts.append("\v" if child.tag == "br" else " ")
    return "".join(parts)


def _placed(text: LexborNode) -> str:
    """A piece of text; digits that stand high or low stay so."""
    words, around = text.text(deep=False) or "", text.parent.tag if text.parent is not None else ""
    return raised(words) if around == "sup" else lowered(words) if around == "sub" else words


def _one(kind: BlockType, text: str, *, level: int | None = None) -> Iterator[Block]:
    if kind is not BlockType.CODE:
        text = _BLANKS.sub(" ", text.replace("\xa0", " "))
        text = "\n".join(line.strip() for line in text.split("\v") if line.strip())
    if text.strip():
        yield Block(kind, plain(text) if kind is BlockType.HEADING else text.strip("\n"), level=level)


def _grid(table: LexborNode) -> tuple[Grid, Grid]:
    """Cells placed as rowspan and colspan say: each value once, and repeated downwards."""
    once: Grid = []
    filled: Grid = []
    pending: dict[int, _Pending] = {}
    left = _MOST_CELLS
    for row in _rows(table):
        texts: list[str] = []
        full: list[str] = []
        own = not row
        for cell in row:
            _take_pending(pending, texts, full)
            text = _cell_text(cell)
            down, across = _span(cell, "rowspan"), min(_span(cell, "colspan"), max(1, _MOST_COLUMNS - len(texts)))
            down, across = (down, across) if left > 0 else (1, 1)
            own = own or down == 1
            for offset in range(across):
                if down > 1:
                    pending[len(texts)] = _Pending(down - 1, text if offset == 0 else "")
                texts.append(text if offset == 0 else "")
                full.append(text if offset == 0 else "")
        _take_pending(pending, texts, full)
        left -= len(texts)
        if own or not pending:
            once.append(texts)
            filled.append(full)
        else:
            # Cells that all go on below make a row without any height: its words stand beside those of the next.
            for column, waiting in pending.items():
                waiting.shown = texts[column]
    width = max((len(row) for row in once), default=0)
    return [row + [""] * (width - len(row)) for row in once], [row + [""] * (width - len(row)) for row in filled]


@dataclass(slots=True)
class _Pending:
    """A cell that goes on for ``left`` rows; ``shown`` is what the next row shows of it, where no row did yet."""

    left: int
    text: str
    shown: str = ""


def _take_pending(pending: dict[int, _Pending], texts: list[str], full: list[str]) -> None:
    while len(texts) in pending:
        column = len(texts)
        cell = pending.pop(column)
        texts.append(cell.shown)
        full.append(cell.text)
        if cell.left > 1:
            pending[column] = _Pending(cell.left - 1, cell.text)


def _rows(table: LexborNode) -> Iterator[list[LexborNode]]:
    for group in table.iter():
        rows = [group] if group.tag == "tr" else [row for row in group.iter() if row.tag == "tr"]
        for row in rows:
            yield [cell for cell in row.iter() if cell.tag in {"td", "th"}]


def _inner_tables(node: LexborNode) -> list[LexborNode]:
    """The tables below ``node``; a selector would find the node itself as well."""
    return [table for table in node.css("table") if table.mem_id != node.mem_id]


def _is_data(table: LexborNode) -> bool:
    """Whether a table with tables inside is one of facts, some of which are small tables: it names its columns, or its
    rows are alike and few hold one. Else it places parts of the page beside each other."""
    rows, tables = list(_rows(table)), _inner_tables(table)
    # Each of them is looked through below, with all that it holds.
    if len(rows) < 2 or len(rows[0]) < 2 or len(tables) > _MOST_INSIDE:
        return False
    inner = [any(_inner_tables(cell) for cell in row) for row in rows]
    large = any(sum(1 for _ in _rows(each)) > _LARGEST_INSIDE for each in tables)
    deep = any(_inner_tables(each) and len(plain(each.text() or "")) > _LONGEST_INSIDE for each in tables)
    if large or deep or inner[0]:
        return False
    even = len({len(row) for row in rows}) == 1
    named = all(cell.tag == "th" for cell in rows[0])
    # A first row of short words names the columns as well, whatever its tags.
    short = even and all(0 < len(plain(_inline_text(cell))) <= _LONGEST_NAME for cell in rows[0])
    return named or short or (even and len(rows) > 2 and 3 * sum(inner) <= len(rows))


def _cell_text(cell: LexborNode) -> str:
    """The words of a cell; a table in it is read row by row, a line each."""
    inside: list[str] = []
    # A table taken out takes those in it along, and they are not looked at again.
    while (table := cell.css_first("table")) is not None:
        inside.extend(" ".join(map(_cell_text, row)) for row in _rows(table) if row)
        table.decompose()
    return "\n".join(part for part in (plain(_inline_text(cell)), *inside) if part)


def _head_rows(table: LexborNode) -> int:
    """The rows of the table's own head, or the first ones that consist of ``th`` throughout."""
    head = next((group for group in table.iter() if group.tag == "thead"), None)
    if head is not None:
        return sum(1 for row in head.iter() if row.tag == "tr")
    count = 0
    for row in _rows(table):
        if not row or any(cell.tag != "th" for cell in row):
            break
        count += 1
    return count


def _span(cell: LexborNode, name: str) -> int:
    value = (cell.attributes.get(name) or "1").strip()
    return max(1, min(int(value), 500)) if value.isdigit() and len(value) < 6 else 1
