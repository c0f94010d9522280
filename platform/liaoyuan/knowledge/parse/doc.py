"""DOC: text, headings by style, lists and tables of Word 97–2003 files."""

import io
import re
from collections.abc import Iterator

import olefile

from liaoyuan.knowledge.parse import word_binary as word
from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt, PasswordNeeded, UnsupportedType
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

_TITLE_STYLE, _CAPTION_STYLE = 62, 34
_LIST_STYLES = frozenset({47, 48, 49, *range(50, 62)})
# A field is instruction \x14 result: the reader sees the result alone.
_INSTRUCTION = re.compile("\x13[^\x13\x14\x15]*\x14|\x13[^\x13\x14\x15]*(?=\x15)")
_MARKS = str.maketrans({"\x0b": "\n", "\x1e": "-", "\x1f": "", "\t": " ", "\xa0": " "})
_UNSEEN = re.compile("[\x00-\x09\x0c-\x1f]")
_MOST_COLUMNS = 64


def read_doc(source: Source) -> ParsedDocument:
    """Raises PasswordNeeded, Corrupt, or UnsupportedType for Word 95 and before."""
    try:
        file = word.WordFile(*_streams(source))
        flags: set[str] = set()
        blocks = list(_blocks(file, flags))
    except word.WordEncrypted as error:
        raise PasswordNeeded(name=source.name) from error
    except word.WordTooOld as error:
        raise UnsupportedType(name=source.name, detail="Word 6/95") from error
    except (word.WordBroken, OSError, IndexError, olefile.olefile.OleFileError) as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(_title(blocks) or source.stem, "", [], blocks, flags)


def _streams(source: Source) -> tuple[bytes, dict[str, bytes]]:
    with olefile.OleFileIO(io.BytesIO(source.data)) as container:
        tables = {name: container.openstream(name).read() for name in ("0Table", "1Table") if container.exists(name)}
        return container.openstream("WordDocument").read(), tables


def _blocks(file: word.WordFile, flags: set[str]) -> Iterator[Block]:
    table: Grid = []
    row: list[str] = []
    cell: list[str] = []
    for paragraph in file.paragraphs():
        if paragraph.hidden:
            flags.add("hidden_text")
        text = _shown(paragraph.text)
        if paragraph.properties.get(word.ROW_END):
            table.append(row)
            row, cell = [], []
        elif paragraph.end == "\x07":
            row.append("\n".join([*cell, text]).strip())
            cell = []
        elif paragraph.properties.get(word.IN_TABLE):
            cell.append(text)
        else:
            yield from _table(table)
            table, row, cell = [], [], []
            if text:
                yield _typed(text, paragraph)
    yield from _table([*table, row] if row else table)


def _typed(text: str, paragraph: word.Paragraph) -> Block:
    level = _level(paragraph)
    if level is not None and len(text) <= 300:
        return Block(BlockType.HEADING, text, level=level)
    if paragraph.style == _CAPTION_STYLE:
        return Block(BlockType.CAPTION, text)
    listed = paragraph.properties.get(word.LIST) or paragraph.style in _LIST_STYLES
    return Block(BlockType.LIST if listed else BlockType.PARAGRAPH, text)


def _level(paragraph: word.Paragraph) -> int | None:
    """As in DOCX: a title is 1, heading 1 is 2."""
    if paragraph.style == _TITLE_STYLE:
        return 1
    if paragraph.style is not None and 1 <= paragraph.style <= 9:
        return paragraph.style + 1
    outline = paragraph.properties.get(word.OUTLINE)
    return outline + 2 if outline is not None and outline < 9 else None


def _table(rows: Grid) -> Iterator[Block]:
    if not any(any(row) for row in rows):
        return
    width = min(_MOST_COLUMNS, max(len(row) for row in rows))
    even = [(row + [""] * (width - len(row)))[:width] for row in rows]
    if width == 1:
        yield from (Block(BlockType.PARAGRAPH, row[0]) for row in even if row[0])
    else:
        yield table_block(even)


def _shown(text: str) -> str:
    while (shorter := _INSTRUCTION.sub("", text)) != text:
        text = shorter
    lines = _UNSEEN.sub("", text.translate(_MARKS)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _title(blocks: list[Block]) -> str:
    first = next((block for block in blocks[:5] if block.type is BlockType.HEADING and block.level in {1, 2}), None)
    return plain(first.text) if first is not None else ""
