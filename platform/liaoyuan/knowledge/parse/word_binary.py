"""The structures of a Word 97–2003 file that its text needs: pieces, paragraph properties, hidden runs, styles.

After Microsoft's [MS-DOC]: the FIB gives offsets into the table stream; the piece table maps characters to bytes of the
WordDocument stream; pages of 512 bytes (FKP) hold the properties of the paragraphs and of the runs at those bytes.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAGIC = 0xA5EC
_WORD_97 = 0xC1
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
_TEXT_LENGTH = 0x4C
_OFFSETS = 0x9A
_STYLES, _CHPX, _PAPX, _PIECES = 1, 12, 13, 33
_PAGE = 512
_PARAGRAPH_STYLE = 1
_COMPRESSED = 0x40000000
_MOST_PIECES = 1_000_000

OUTLINE, IN_TABLE, ROW_END, LIST, VANISH = 0x2640, 0x2416, 0x2417, 0x460B, 0x083C
_LONG_OPERAND = 0xD608
_OPERAND_BYTES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}


class WordBroken(ValueError):
    """An offset points outside of the file, or a structure is not what it should be."""


class WordTooOld(ValueError):
    """Word 95 and before: another layout."""


class WordEncrypted(ValueError):
    """The text is enciphered."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``text`` without its end mark; ``style`` is the built-in style's number (1–9: heading), None if it has none."""

    text: str
    end: str
    style: int | None
    properties: dict[int, int]
    hidden: bool


@dataclass(slots=True)
class _Properties:
    """Intervals of byte offsets and what holds there: the style index and the single-value properties."""

    starts: list[int] = field(default_factory=list)
    values: list[tuple[int, dict[int, int]]] = field(default_factory=list)

    def at(self, offset: int) -> tuple[int, dict[int, int]]:
        found = bisect_right(self.starts, offset) - 1
        return self.values[found] if found >= 0 else (0, {})


class WordFile:
    """A file by its two streams; ``paragraphs`` gives the main text in order."""

    def __init__(self, document: bytes, tables: dict[str, bytes]) -> None:
        self.document = document
        magic, version = self._words(document, 0, 2)
        flags = self._words(document, 0x0A, 1)[0]
        if magic != _MAGIC:
            raise WordBroken("no Word document")
        if flags & _ENCRYPTED:
            raise WordEncrypted
        if version < _WORD_97:
            raise WordTooOld
        self.table = tables.get("1Table" if flags & _SECOND_TABLE else "0Table", b"")
        self.length = self._integers(document, _TEXT_LENGTH, 1)[0]
        self.styles = self._styles()
        self.paragraph_properties = self._pages(_PAPX, paragraphs=True)
        self.run_properties = self._pages(_CHPX, paragraphs=False)

    def paragraphs(self) -> Iterator[Paragraph]:
        """Every paragraph and table cell of the main text; hidden runs are left out and told."""
        parts: list[str] = []
        hidden = False
        for character, offset in self._characters():
            if character in "\r\x07\x0c":
                index, properties = self.paragraph_properties.at(offset)
                style, inherited = self.styles.get(index, (None, {}))
                yield Paragraph("".join(parts), character, style, inherited | properties, hidden)
                parts, hidden = [], False
            elif self.run_properties.at(offset)[1].get(VANISH):
                hidden = hidden or not character.isspace()
            else:
                parts.append(character)
        if parts:
            yield Paragraph("".join(parts), "\r", None, {}, hidden)

    def _characters(self) -> Iterator[tuple[str, int]]:
        left = self.length
        for start, end, offset, compressed in self._pieces():
            count = min(end - start, left)
            width = 1 if compressed else 2
            raw = self.document[offset : offset + count * width]
            text = raw.decode("cp1252" if compressed else "utf-16-le", "replace")
            # A character beyond the basic plane takes two places: the offsets after it in this piece shift by one.
            for number, character in enumerate(text):
                yield character, offset + number * width
            left -= count
            if left <= 0:
                return

    def _pieces(self) -> Iterator[tuple[int, int, int, bool]]:
        data = self._structure(_PIECES)
        position = 0
        while position < len(data) and data[position] == 0x01:
            position += 3 + self._words(data, position + 1, 1)[0]
        if position >= len(data) or data[position] != 0x02:
            raise WordBroken("no piece table")
        size = self._integers(data, position + 1, 1)[0]
        body = data[position + 5 : position + 5 + size]
        count = (len(body) - 4) // 12
        if not 0 < count <= _MOST_PIECES:
            raise WordBroken("no pieces")
        bounds = self._integers(body, 0, count + 1)
        for number in range(count):
            (place,) = self._integers(body, 4 * (count + 1) + 8 * number + 2, 1)
            compressed = bool(place & _COMPRESSED)
            offset = place & (_COMPRESSED - 1)
            if bounds[number + 1] < bounds[number]:
                raise WordBroken("pieces out of order")
            yield bounds[number], bounds[number + 1], offset // 2 if compressed else offset, compressed

    def _styles(self) -> dict[int, tuple[int, dict[int, int]]]:
        """Index of a style → number of the built-in style that it is, and its own paragraph properties."""
        data = self._structure(_STYLES)
        if len(data) < 6:
            return {}
        size, count, base = self._words(data, 0, 3)
        position, found = 2 + size, {}
        for index in range(count):
            if position + 2 > len(data):
                break
            (length,) = self._words(data, position, 1)
            if length >= 4:
                found[index] = _style(data[position + 2 : position + 2 + length], base)
            position += 2 + length + (length & 1)
        return found

    def _pages(self, which: int, *, paragraphs: bool) -> _Properties:
        data = self._structure(which)
        count = max(0, (len(data) - 4) // 8)
        found = _Properties()
        for number in self._integers(data, 4 * (count + 1), count):
            page = self.document[(number & 0x3FFFFF) * _PAGE :][:_PAGE]
            if len(page) == _PAGE:
                self._page(page, found, paragraphs=paragraphs)
        order = sorted(range(len(found.starts)), key=found.starts.__getitem__)
        return _Properties([found.starts[i] for i in order], [found.values[i] for i in order])

    def _page(self, page: bytes, found: _Properties, *, paragraphs: bool) -> None:
        runs = page[-1]
        width = 13 if paragraphs else 1
        if 4 * (runs + 1) + width * runs >= _PAGE:
            raise WordBroken("a page of properties is too full")
        starts = self._integers(page, 0, runs + 1)
        for number in range(runs):
            place = 2 * page[4 * (runs + 1) + width * number]
            found.starts.append(starts[number])
            found.values.append(_paragraph(page, place) if paragraphs else (0, _run(page, place)))

    def _structure(self, which: int) -> bytes:
        offset, length = self._integers(self.document, _OFFSETS + 8 * which, 2)
        return self.table[offset : offset + length]

    @staticmethod
    def _words(data: bytes, offset: int, count: int) -> tuple[int, ...]:
        return _unpacked("H", data, offset, count)

    @staticmethod
    def _integers(data: bytes, offset: int, count: int) -> tuple[int, ...]:
        return _unpacked("I", data, offset, count)


def _unpacked(kind: str, data: bytes, offset: int, count: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(f"<{count}{kind}", data, offset)
    except struct.error as error:
        raise WordBroken("the file ends too early") from error


def _style(body: bytes, base: int) -> tuple[int, dict[int, int]]:
    """``body`` is fixed fields of ``base`` bytes, a counted name with a final zero, then counted property lists."""
    head, kind = _unpacked("H", body, 0, 2)
    name = int.from_bytes(body[base : base + 2], "little")
    place = base + 2 + 2 * name + 2
    size = int.from_bytes(body[place : place + 2], "little")
    properties = body[place + 4 : place + 2 + size] if kind & 0xF == _PARAGRAPH_STYLE else b""
    return head & 0x0FFF, _single(properties)


def _paragraph(page: bytes, place: int) -> tuple[int, dict[int, int]]:
    if not 0 < place < _PAGE - 3:
        return 0, {}
    size = page[place]
    start, length = (place + 2, 2 * page[place + 1]) if size == 0 else (place + 1, 2 * size - 1)
    body = page[start : start + length]
    return (int.from_bytes(body[:2], "little"), _single(body[2:])) if len(body) >= 2 else (0, {})


def _run(page: bytes, place: int) -> dict[int, int]:
    return _single(page[place + 1 : place + 1 + page[place]]) if 0 < place < _PAGE - 1 else {}


def _single(modifiers: bytes) -> dict[int, int]:
    """The modifiers of one value each; the longer ones are stepped over."""
    found, position = {}, 0
    while position + 2 < len(modifiers):
        name = int.from_bytes(modifiers[position : position + 2], "little")
        position += 2
        size = _OPERAND_BYTES.get(name >> 13)
        if size is None:
            head = 2 if name == _LONG_OPERAND else 1
            size = int.from_bytes(modifiers[position : position + head], "little") + 1
        else:
            found[name] = int.from_bytes(modifiers[position : position + size], "little")
        position += size
    return found
