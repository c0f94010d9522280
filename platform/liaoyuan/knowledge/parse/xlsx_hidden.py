"""Words of a workbook that nobody sees: in the colour of their ground, a point high, or formatted to show nothing."""

import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree
from openpyxl.styles.colors import COLOR_INDEX
from openpyxl.utils import range_boundaries

from liaoyuan.knowledge.parse.colours import PAPER, alike, colour
from liaoyuan.knowledge.parse.safe_xml import xml_parse

_LEAST_SIZE: Final = 1.0
# The positions of Excel's own window colours in every theme.
_THEME: Final = {0: "FFFFFF", 1: "000000"}
_NOTHING_SHOWN: Final = re.compile(r'^(?:"";?|;){3,}$')
_STRINGS: Final = "xl/sharedStrings.xml"
_TABLE: Final = re.compile(r"^xl/tables/[^/]+\.xml$")
_REFERENCE: Final = re.compile(rb'<(?:\w+:)?table\s[^>]*?\bref="([A-Z]{1,3}\d{1,7}(?::[A-Z]{1,3}\d{1,7})?)"')
_MOST_STRINGS: Final = 32 << 20
Area = tuple[int, int, int, int]


@dataclass(slots=True)
class Unseen:
    """By number of the cell's style: those whose words vanish, those that are tiny, and those on bare paper; by number
    of the shared string: what of it is seen. ``tables`` are areas whose style may bring a ground of its own."""

    pale: set[int] = field(default_factory=set)
    tiny: set[int] = field(default_factory=set)
    bare: set[int] = field(default_factory=set)
    strings: dict[int, str] = field(default_factory=dict)
    tables: list[Area] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pale or self.tiny or self.strings)


def unseen(book: Any, data: bytes) -> Unseen:
    """What of ``book``, which openpyxl has opened from ``data``, is there and is not seen."""
    found = Unseen()
    for number, style in enumerate(book._cell_styles):
        font, fill = book._fonts[style.fontId], book._fills[style.fillId]
        ground = _ground(fill)
        if ground == PAPER:
            found.bare.add(number)
        if alike(_of(font.color), ground):
            found.pale.add(number)
        if (font.sz is not None and font.sz <= _LEAST_SIZE) or _blank(book, style.numFmtId):
            found.tiny.add(number)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found.strings = _strings(archive)
        if found.pale or found.strings:
            found.tables = list(_tables(archive))
    return found


def area(reference: str) -> Area:
    """``A1:C9`` as (left, top, right, bottom), each from 1."""
    left, top, right, bottom = range_boundaries(reference)
    return left or 1, top or 1, right or 1 << 14, bottom or 1 << 20


def inside(row: int, column: int, areas: Iterable[Area]) -> bool:
    """Whether a cell lies in one of ``areas``."""
    return any(left <= column <= right and top <= row <= bottom for left, top, right, bottom in areas)


def _of(found: Any) -> str | None:
    """A colour of openpyxl; None where it depends on a theme or a tint."""
    if found is None or (found.tint or 0) != 0:
        return None
    if found.type == "rgb":
        return colour(str(found.rgb))
    if found.type == "theme":
        return _THEME.get(found.theme)
    return colour(COLOR_INDEX[found.indexed]) if found.type == "indexed" and found.indexed < len(COLOR_INDEX) else None


def _ground(fill: Any) -> str | None:
    kind = getattr(fill, "fill_type", "gradient")
    if kind in {None, "none"}:
        return PAPER
    return _of(fill.fgColor) if kind == "solid" else None


def _blank(book: Any, number: int) -> bool:
    """``;;;`` shows nothing whatever the cell holds."""
    formats = book._number_formats
    return number >= 164 and number - 164 < len(formats) and bool(_NOTHING_SHOWN.match(formats[number - 164]))


def _strings(archive: zipfile.ZipFile) -> dict[int, str]:
    """Of the shared strings with unseen runs: what a reader sees on bare paper."""
    if _STRINGS not in archive.namelist() or archive.getinfo(_STRINGS).file_size > _MOST_STRINGS:
        return {}
    raw = archive.read(_STRINGS)
    if b"<rPr" not in raw and b":rPr" not in raw:
        return {}
    found: dict[int, str] = {}
    for number, item in enumerate(xml_parse(raw).iterchildren("{*}si")):
        seen = _seen(item)
        if seen is not None:
            found[number] = seen
    return found


def inline_seen(markup: bytes) -> str | None:
    """What is seen of a text that stands in its cell (``<is>…</is>``); None where that is all of it."""
    return _seen(next(iter(xml_parse(b"<t>" + markup + b"</t>"))))


def _seen(item: etree._Element) -> str | None:
    runs = list(item.iterchildren("{*}r"))
    seen = [run for run in runs if not _run_unseen(run)]
    if len(seen) == len(runs):
        return None
    return "".join(text.text or "" for run in seen for text in run.iterchildren("{*}t")).strip()


def _run_unseen(run: etree._Element) -> bool:
    properties = next(run.iterchildren("{*}rPr"), None)
    if properties is None:
        return False
    size, shade = next(properties.iterchildren("{*}sz"), None), next(properties.iterchildren("{*}color"), None)
    if size is not None and _number(size.get("val", "")) <= _LEAST_SIZE:
        return True
    return shade is not None and not shade.get("tint") and alike(_written(shade), PAPER)


def _written(shade: etree._Element) -> str | None:
    if shade.get("rgb"):
        return colour(shade.get("rgb", ""))
    theme = shade.get("theme", "")
    return _THEME.get(int(theme)) if theme.isdigit() else None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 11.0


def _tables(archive: zipfile.ZipFile) -> Iterable[Area]:
    for name in archive.namelist():
        if _TABLE.match(name):
            with archive.open(name) as stream:
                head = _REFERENCE.search(stream.read(1 << 16))
            if head is not None:
                yield area(head[1].decode("ascii"))
