"""The numbers that Word counts by itself: 第三条, 2.1, (a) stand in no run of text and are worked out here."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from docx.oxml.ns import qn
from lxml import etree

_DIGITS = "〇一二三四五六七八九"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X")),
    *((9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
_LEVELS = 9
_HIGHEST = 100_000


@dataclass(slots=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = ""
    style: str = ""
    suffix: str = "tab"
    plain: bool = False


@dataclass(slots=True)
class _List:
    """A kind of list and how far each of its levels has counted."""

    levels: dict[int, _Level]
    counts: dict[int, int] = field(default_factory=dict)


class Numbers:
    """Asked for each paragraph in the order of the document, once."""

    def __init__(self, numbering: etree._Element | None, styles: etree._Element) -> None:
        self._lists: dict[str, _List] = {}
        self._starts: dict[str, dict[int, int]] = {}
        self._styled = dict(_of_styles(styles))
        if numbering is not None:
            self._read(numbering)

    def _read(self, numbering: etree._Element) -> None:
        shapes = {
            _value(shape, "w:abstractNumId", own=True): _List(_levels(shape))
            for shape in numbering.iterchildren(qn("w:abstractNum"))
        }
        for number in numbering.iterchildren(qn("w:num")):
            name = number.get(qn("w:numId"), "")
            shape = shapes.get(_value(number, "w:abstractNumId"))
            if shape is not None:
                self._lists[name] = shape
                self._starts[name] = {
                    _count(each.get(qn("w:ilvl"))): _count(_value(each, "w:startOverride"))
                    for each in number.iterchildren(qn("w:lvlOverride"))
                    if each.find(qn("w:startOverride")) is not None
                }

    def label(self, paragraph: etree._Element, style: str) -> str:
        """What stands before this paragraph, with its blank; empty for bullets and paragraphs without a number."""
        name, level = self._place(paragraph, style)
        shape = self._lists.get(name)
        if shape is None or level not in shape.levels:
            return ""
        started = self._starts.get(name, {}).pop(level, None)
        if started is not None:
            shape.counts[level] = started - 1
        own = shape.levels[level]
        shape.counts[level] = min(shape.counts.get(level, own.start - 1) + 1, _HIGHEST)
        for deeper in [each for each in shape.counts if each > level]:
            del shape.counts[deeper]
        shown = _shown(shape, level)
        return shown if not shown or own.suffix == "nothing" else f"{shown} "

    def _place(self, paragraph: etree._Element, style: str) -> tuple[str, int]:
        """The number's name and its level, the paragraph's own before its style's."""
        name, level = _reference(paragraph.find(qn("w:pPr")))
        from_style, style_level = self._styled.get(style, ("", None))
        name = name if name is not None else from_style
        if level is None:
            shape = self._lists.get(name or "")
            linked = [at for at, each in shape.levels.items() if style and each.style == style] if shape else []
            level = linked[0] if linked else style_level
        return name or "", level or 0


def _of_styles(styles: etree._Element) -> Iterator[tuple[str, tuple[str, int | None]]]:
    """For each style the number and level that it gives its paragraphs, or that the style below it does."""
    own: dict[str, tuple[str | None, int | None]] = {}
    below: dict[str, str] = {}
    for style in styles.iterchildren(qn("w:style")):
        name = style.get(qn("w:styleId"), "")
        own[name] = _reference(style.find(qn("w:pPr")))
        below[name] = _value(style, "w:basedOn")
    for name in own:
        at, seen = name, set[str]()
        while at in own and own[at][0] is None and at not in seen:
            seen.add(at)
            at = below[at]
        number, level = own.get(at, (None, None))
        if number:
            yield name, (number, own[name][1] if own[name][1] is not None else level)


def _reference(properties: etree._Element | None) -> tuple[str | None, int | None]:
    """(name, level) of ``w:numPr``, None where it names none; the name 0 takes a style's number away."""
    found = properties.find(qn("w:numPr")) if properties is not None else None
    if found is None:
        return None, None
    name, level = _value(found, "w:numId"), _value(found, "w:ilvl")
    return (name or None), (int(level) if level.isdigit() else None)


def _levels(shape: etree._Element) -> dict[int, _Level]:
    found = {}
    for level in shape.iterchildren(qn("w:lvl")):
        found[_count(level.get(qn("w:ilvl")))] = _Level(
            start=_count(_value(level, "w:start") or "1"),
            kind=_value(level, "w:numFmt") or "decimal",
            text=_value(level, "w:lvlText"),
            style=_value(level, "w:pStyle"),
            suffix=_value(level, "w:suff") or "tab",
            plain=level.find(qn("w:isLgl")) is not None,
        )
    return found


def _value(element: etree._Element, name: str, *, own: bool = False) -> str:
    found = element if own else element.find(qn(name))
    return (found.get(qn(name if own else "w:val")) or "") if found is not None else ""


def _count(text: str | None) -> int:
    return min(int(text), _HIGHEST) if text and text.isdigit() else 0


def _shown(shape: _List, level: int) -> str:
    own = shape.levels[level]
    if own.kind in {"bullet", "none"}:
        return ""
    text = own.text
    for at in range(_LEVELS):
        if f"%{at + 1}" in text:
            each = shape.levels.get(at, _Level())
            # An outer level that was never met counts as begun.
            count = shape.counts.setdefault(at, each.start) if at <= level else each.start
            text = text.replace(f"%{at + 1}", numeral(count, "decimal" if own.plain else each.kind))
    return text.strip()


def numeral(count: int, kind: str) -> str:
    """A number as Word writes it in ``kind``; kinds that are not known here are written in digits."""
    lowered = kind.lower()
    if "counting" in lowered or lowered in {"chineselegalsimplified", "ideographdigital", "taiwanesedigital"}:
        return _chinese(count)
    if "roman" in lowered:
        return _cased(_roman(count), kind)
    if "letter" in lowered:
        return _cased(chr(ord("A") + (count - 1) % 26) * ((count - 1) // 26 % 20 + 1) if count > 0 else "", kind)
    if lowered == "ideographtraditional" and 1 <= count <= len(_STEMS):
        return _STEMS[count - 1]
    if lowered.startswith("decimalenclosedcircle") and 1 <= count <= 20:
        return chr(0x2460 + count - 1)
    return f"{count:02}" if lowered == "decimalzero" else str(count)


def _cased(text: str, kind: str) -> str:
    return text.lower() if kind.startswith("lower") else text


def _roman(count: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        while count >= value and len(text) < 40:
            text, count = text + sign, count - value
    return text


def _chinese(count: int) -> str:
    """十二, 二十, 一百零三; beyond 9999 in digits."""
    if not 0 < count < 10_000:
        return str(count)
    text, rest = "", str(count)
    for at, digit in enumerate(rest):
        unit = ("", "十", "百", "千")[len(rest) - at - 1]
        if digit != "0":
            text += _DIGITS[int(digit)] + unit
        elif rest[at:].strip("0") and not text.endswith("零"):
            text += "零"
    return text.removeprefix("一") if 10 <= count < 20 else text
