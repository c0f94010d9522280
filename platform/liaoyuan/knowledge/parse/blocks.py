"""What parsing gives: typed blocks in reading order, each with its place in the file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Box = tuple[float, float, float, float]

SCHEMA_VERSION = 1


class BlockType(StrEnum):
    """What a block is; a ``heading`` opens the path of those after it."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    CAPTION = "caption"
    FIGURE = "figure"
    FORMULA = "formula"


@dataclass(frozen=True, slots=True)
class TextLine:
    """Where a line of a block stands: characters ``start``..``end`` of the block's text, page and box.

    ``text`` is what a reader found there; it serves to find the characters once the block is whole, and is not kept.
    """

    page: int
    box: Box
    start: int = 0
    end: int = 0
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """One parsed element.

    ``page`` counts from 1. ``box`` is (x0, y0, x1, y1) in PDF points, the origin at the top left of the page as shown.
    ``locator`` names the place in the file's own terms (``Sheet1!A2:D9``, ``slide 3``, or the number of an article).
    ``table`` holds rows of cells with merged cells filled downwards, so that a row can be read alone; ``text`` holds
    each value once. Text that runs over a page break keeps the page and box of its beginning; ``lines`` say where each
    of its lines stands. A figure has a box and no text.
    """

    type: BlockType
    text: str
    page: int | None = None
    box: Box | None = None
    level: int | None = None
    locator: str = ""
    heading_path: tuple[str, ...] = ()
    table: list[list[str]] | None = None
    ocr: bool = False
    lines: tuple[TextLine, ...] = ()
    # How many rows of ``table`` name its columns.
    header_rows: int = 1

    def lines_of(self, start: int, end: int) -> tuple[TextLine, ...]:
        """The lines under the characters ``start``..``end`` of the text; empty where the format has no lines."""
        return tuple(line for line in self.lines if line.start < end and line.end > start)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form with every field."""
        return {
            "type": self.type.value,
            "text": self.text,
            "page": self.page,
            "box": [round(edge, 2) for edge in self.box] if self.box else None,
            "level": self.level,
            "locator": self.locator,
            "heading_path": list(self.heading_path),
            "table": self.table,
            "ocr": self.ocr,
            **({"header_rows": self.header_rows} if self.header_rows != 1 else {}),
            "lines": [[line.start, line.end, line.page, *(round(edge, 1) for edge in line.box)] for line in self.lines],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Block":
        """The inverse of ``as_dict``."""
        box = values["box"]
        return cls(
            type=BlockType(values["type"]),
            text=values["text"],
            page=values["page"],
            box=(box[0], box[1], box[2], box[3]) if box else None,
            level=values["level"],
            locator=values["locator"],
            heading_path=tuple(values["heading_path"]),
            table=values["table"],
            ocr=values["ocr"],
            lines=tuple(_line(line) for line in values.get("lines", ())),
            header_rows=int(values.get("header_rows", 1)),
        )


def _line(values: Sequence[float]) -> TextLine:
    start, end, page, x0, y0, x1, y1 = values
    return TextLine(int(page), (x0, y0, x1, y1), int(start), int(end))


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Size of a page in points as shown (rotation applied), and whether its text was recognised from pixels."""

    width: float
    height: float
    ocr: bool = False


@dataclass(slots=True)
class ParsedDocument:
    """A whole file. ``flags`` name what a reader should know: ``ocr``, ``hidden_text``, ``page_limit``…"""

    title: str
    media_type: str
    pages: list[PageInfo] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """All text in reading order, one line per block or more."""
        return "\n".join(block.text for block in self.blocks)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form; the same document always gives the same bytes."""
        return {
            "schema": SCHEMA_VERSION,
            "title": self.title,
            "media_type": self.media_type,
            "pages": [[round(page.width, 2), round(page.height, 2), page.ocr] for page in self.pages],
            "blocks": [block.as_dict() for block in self.blocks],
            "flags": sorted(self.flags),
        }

    def to_json(self) -> str:
        """``as_dict`` as compact JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ParsedDocument":
        """The inverse of ``as_dict``; another schema version raises ValueError."""
        if values.get("schema") != SCHEMA_VERSION:
            raise ValueError(f"parsed document of schema {values.get('schema')!r}, expected {SCHEMA_VERSION}")
        return cls(
            title=values["title"],
            media_type=values["media_type"],
            pages=[PageInfo(*page) for page in values["pages"]],
            blocks=[Block.from_dict(block) for block in values["blocks"]],
            flags=set(values["flags"]),
        )

    @classmethod
    def from_json(cls, text: str) -> "ParsedDocument":
        """The inverse of ``to_json``."""
        return cls.from_dict(json.loads(text))
