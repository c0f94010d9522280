"""PPT: the texts of PowerPoint 97–2003 files, slide by slide.

After Microsoft's [MS-PPT]: a stream of records, each with version, type and length; those of version 15 hold others.
"""

import io
import struct
from collections.abc import Iterator

import olefile

from liaoyuan.knowledge.parse.blocks import Block, BlockType, PageInfo, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.ppt_tables import GROUP, is_table, table_of
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import plain

_HEADER = struct.Struct("<HHI")
_CONTAINER = 0xF
_SLIDE, _SLIDE_LIST, _SLIDE_START, _TEXT_KIND, _CHARACTERS, _BYTES = 0x03EE, 0x0FF0, 0x03F3, 0x0F9F, 0x0FA0, 0x0FA8
_SLIDES, _NOTES = 0, 2
_TITLES = frozenset({0, 6})
_DEPTH = 40


def read_ppt(source: Source) -> ParsedDocument:
    """Titles become headings, other paragraphs list items; notes follow under the slide that they belong to."""
    try:
        with olefile.OleFileIO(io.BytesIO(source.data)) as container:
            stream = container.openstream("PowerPoint Document").read()
        blocks = list(_blocks(stream))
    except (OSError, struct.error, olefile.olefile.OleFileError) as error:
        raise Corrupt(name=source.name) from error
    pages = [PageInfo(0.0, 0.0) for _ in range(max((block.page or 0 for block in blocks), default=0))]
    title = next((block.text for block in blocks if block.type is BlockType.HEADING), source.stem)
    return ParsedDocument(title, "", pages, blocks, set())


def _blocks(stream: bytes) -> Iterator[Block]:
    """The outline's texts; where a writer left the outline empty, those in the boxes of each slide. Tables are never in
    the outline."""
    found = False
    for instance, body in _containers(stream, _SLIDE_LIST):
        suffix = " notes" if instance == _NOTES else ""
        for number, part in enumerate(_parts(body), start=1) if instance in (_SLIDES, _NOTES) else ():
            for block in _of_slide(part, number, suffix):
                found = True
                yield block
    for number, (_, body) in enumerate(_containers(stream, _SLIDE), start=1):
        if not found:
            yield from _of_slide(list(_leaves(body, 0)), number, "")
        for _, group in _containers(body, GROUP, tables=True):
            table = table_of(group, _records, _words, page=number, locator=f"slide {number}")
            if table is not None:
                yield table


def _words(shape: bytes) -> str:
    """The text of one box, its paragraphs in one line."""
    texts = (_decoded(name, data) for name, data in _leaves(shape, 0) if name in (_CHARACTERS, _BYTES))
    return plain(" ".join(texts).replace("\r", " ").replace("\x0b", " "))


def _decoded(name: int, data: bytes) -> str:
    return data.decode("utf-16-le" if name == _CHARACTERS else "cp1252", "replace")


def _parts(body: bytes) -> Iterator[list[tuple[int, bytes]]]:
    """The records of an outline, slide by slide."""
    part: list[tuple[int, bytes]] | None = None
    for _, name, data in _records(body):
        if name == _SLIDE_START:
            if part is not None:
                yield part
            part = []
        elif part is not None:
            part.append((name, data))
    if part is not None:
        yield part


def _of_slide(records: list[tuple[int, bytes]], number: int, suffix: str) -> Iterator[Block]:
    kind = -1
    for name, data in records:
        if name == _TEXT_KIND:
            kind = int.from_bytes(data[:4], "little")
        elif name in (_CHARACTERS, _BYTES):
            yield from _texts(
                _decoded(name, data), number, f"slide {number}{suffix}", heading=kind in _TITLES and not suffix
            )


def _leaves(body: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
    for head, name, data in _records(body):
        if name == GROUP and is_table(data, _records):
            continue
        if head & 0xF == _CONTAINER and depth < _DEPTH:
            yield from _leaves(data, depth + 1)
        else:
            yield name, data


def _texts(text: str, number: int, locator: str, *, heading: bool) -> Iterator[Block]:
    if heading and text.strip():
        yield Block(BlockType.HEADING, plain(text.replace("\x0b", " ")), page=number, level=2, locator=locator)
        return
    for paragraph in text.replace("\x0b", "\n").split("\r"):
        if paragraph.strip():
            yield Block(BlockType.LIST, paragraph.strip(), page=number, locator=locator)


def _containers(stream: bytes, wanted: int, depth: int = 0, *, tables: bool = False) -> Iterator[tuple[int, bytes]]:
    """Instance and content of the containers called ``wanted``, wherever they are; only ``tables`` if wanted."""
    for head, name, data in _records(stream):
        if name == wanted and (not tables or is_table(data, _records)):
            yield head >> 4, data
        elif head & 0xF == _CONTAINER and depth < _DEPTH:
            yield from _containers(data, wanted, depth + 1, tables=tables)


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while position + _HEADER.size <= len(stream):
        head, name, length = _HEADER.unpack_from(stream, position)
        position += _HEADER.size
        yield head, name, stream[position : position + length]
        position += length
