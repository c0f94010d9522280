"""Words on a slide that nobody sees: in the colour of what is behind them, a point high, or fully transparent.

White text on a dark slide, picture or shape is what most slides are made of: only where the ground is known, and is of
the same colour, are words taken for hidden.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn

from liaoyuan.knowledge.parse.blocks import Box
from liaoyuan.knowledge.parse.colours import PAPER, alike, colour
from liaoyuan.knowledge.parse.safe_xml import xml_parse

# Hundredths of a point.
_LEAST_SIZE: Final = 100
_NAMED: Final = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}
_FILLS: Final = ("a:solidFill", "a:gradFill", "a:blipFill", "a:pattFill", "a:grpFill")
_NOT_A_CHANGE: Final = frozenset({qn("a:alpha")})


class SlideGround:
    """What lies behind the words of one slide."""

    def __init__(self, slide: Any) -> None:
        self._slide = slide
        self._parts = (slide, slide.slide_layout, slide.slide_layout.slide_master)

    def clear(self, shape: Any, box: Box | None) -> bool:
        """Take the unseen words out of ``shape``, whose place on the slide is ``box``; whether there were any."""
        # A shape in a group has the group's own measure: what lies behind it is not known.
        place = box if next(shape._element.iterancestors(qn("p:grpSp")), None) is None else None
        gone = [run for run in shape._element.iter(qn("a:r")) if self._hidden(run, shape, place)]
        told = any((run.findtext(qn("a:t")) or "").strip() for run in gone)
        for run in gone:
            run.getparent().remove(run)
        return told

    def _hidden(self, run: etree._Element, shape: Any, box: Box | None) -> bool:
        properties = [each for each in _properties(run) if each is not None]
        size = next((each.get("sz") for each in properties if each.get("sz")), None)
        if size is not None and size.isdigit() and int(size) <= _LEAST_SIZE:
            return True
        fill = next((each.find(qn("a:solidFill")) for each in properties if _filled(each)), None)
        if fill is None:
            return False
        return _clear(fill) or (not _in_table(run) and alike(self._colour(fill), self._behind(shape, box)))

    def _behind(self, shape: Any, box: Box | None) -> str | None:
        own = shape._element.find(qn("p:spPr"))
        if own is not None and _filled(own):
            fill = own.find(qn("a:solidFill"))
            return self._colour(fill) if fill is not None and not _clear(fill) else None
        style = shape._element.find(f"{qn('p:style')}/{qn('a:fillRef')}")
        if style is not None and style.get("idx", "0") != "0" and (own is None or own.find(qn("a:noFill")) is None):
            return None
        inherits = own is None or own.find(qn("a:noFill")) is None
        if inherits and shape.is_placeholder and self._placeholder_filled(shape):
            return None
        return None if self._covered(shape, box) else self._paper

    def _placeholder_filled(self, shape: Any) -> bool:
        index, kind = shape.placeholder_format.idx, shape.placeholder_format.type
        for part in self._parts[1:]:
            for other in part.placeholders:
                same = other.placeholder_format.idx == index or other.placeholder_format.type == kind
                properties = other._element.find(qn("p:spPr"))
                if same and properties is not None and _filled(properties):
                    return True
        return False

    def _covered(self, shape: Any, box: Box | None) -> bool:
        """Whether another filled shape or a picture, of the slide or of what it is made from, lies under the middle."""
        if box is None:
            return True
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return any(
            element is not shape._element and area[0] <= x <= area[2] and area[1] <= y <= area[3]
            for element, area in self._areas
        )

    @cached_property
    def _areas(self) -> list[tuple[Any, Box]]:
        return [found for part in self._parts for found in _areas(part.shapes.element)]

    @cached_property
    def _paper(self) -> str | None:
        """The colour of the slide's background: its own, else of its layout, else of its master."""
        for part in self._parts:
            background = part._element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
            if background is None:
                continue
            own = background.find(qn("p:bgPr"))
            if own is not None:
                fill = own.find(qn("a:solidFill"))
                return self._colour(fill) if fill is not None else None
            reference = background.find(qn("p:bgRef"))
            # Style 1001 is the plain colour; the others are gradients and pictures of the theme.
            return self._colour(reference) if reference is not None and reference.get("idx") == "1001" else None
        return PAPER

    def _colour(self, fill: etree._Element) -> str | None:
        found = next(iter(fill), None)
        if found is None or any(child.tag not in _NOT_A_CHANGE for child in found):
            return None
        if found.tag == qn("a:srgbClr"):
            return colour(found.get("val", ""))
        if found.tag == qn("a:sysClr"):
            return colour(found.get("lastClr", ""))
        if found.tag == qn("a:prstClr"):
            return {"white": "FFFFFF", "black": "000000"}.get(found.get("val", ""))
        return self._scheme.get(self._mapped(found.get("val", ""))) if found.tag == qn("a:schemeClr") else None

    def _mapped(self, name: str) -> str:
        override = self._slide._element.find(f"{qn('p:clrMapOvr')}/{qn('a:overrideClrMapping')}")
        table = self._parts[2]._element.find(qn("p:clrMap"))
        table = override if override is not None else table
        return str(table.get(name, name)) if table is not None else _NAMED.get(name, name)

    @cached_property
    def _scheme(self) -> dict[str, str]:
        theme = xml_parse(self._parts[2].part.part_related_by(RELATIONSHIP_TYPE.THEME).blob)
        names = next(theme.iter(qn("a:clrScheme")), None)
        found = {}
        for entry in names if names is not None else ():
            value = next(iter(entry), None)
            digits = colour((value.get("lastClr") or value.get("val") or "") if value is not None else "")
            if digits:
                found[etree.QName(entry).localname] = digits
        return found


def _properties(run: etree._Element) -> Iterator[etree._Element | None]:
    """The run's own, then those that the shape sets for its paragraph's level."""
    yield run.find(qn("a:rPr"))
    paragraph = next(run.iterancestors(qn("a:p")), None)
    body = paragraph.getparent() if paragraph is not None else None
    if paragraph is None or body is None:
        return
    own = paragraph.find(qn("a:pPr"))
    level = int(own.get("lvl", "0")) + 1 if own is not None and own.get("lvl", "0").isdigit() else 1
    yield body.find(f"{qn('a:lstStyle')}/{qn(f'a:lvl{level}pPr')}/{qn('a:defRPr')}")


def _in_table(run: etree._Element) -> bool:
    """Whether the run stands in a table whose cells may have a ground of their own."""
    for cell in run.iterancestors(qn("a:tc")):
        own = cell.find(qn("a:tcPr"))
        style = next(cell.iterancestors(qn("a:tbl"))).find(f"{qn('a:tblPr')}/{qn('a:tableStyleId')}")
        return style is not None or (own is not None and _filled(own))
    return False


def _filled(properties: etree._Element) -> bool:
    return any(properties.find(qn(name)) is not None for name in _FILLS)


def _clear(fill: etree._Element) -> bool:
    return any(each.get("val") in {"0", "0%"} for each in fill.iter(qn("a:alpha")))


def _areas(tree: etree._Element) -> Iterator[tuple[Any, Box]]:
    """Pictures, frames and filled shapes with their places; one inside a group counts as lying everywhere."""
    for element in tree.iter(qn("p:pic"), qn("p:graphicFrame"), qn("p:sp")):
        if element.tag == qn("p:sp") and not _shape_filled(element):
            continue
        grouped = next(element.iterancestors(qn("p:grpSp")), None) is not None
        place = _place(element)
        if grouped or place is None:
            yield element, (float("-inf"), float("-inf"), float("inf"), float("inf"))
        else:
            yield element, place


def _shape_filled(element: etree._Element) -> bool:
    properties = element.find(qn("p:spPr"))
    style = element.find(f"{qn('p:style')}/{qn('a:fillRef')}")
    if properties is not None and (_filled(properties) or properties.find(qn("a:noFill")) is not None):
        return _filled(properties)
    return style is not None and style.get("idx", "0") != "0"


def _place(element: etree._Element) -> Box | None:
    """In points."""
    frame = next(element.iter(qn("a:xfrm"), qn("p:xfrm")), None)
    start = frame.find(qn("a:off")) if frame is not None else None
    size = frame.find(qn("a:ext")) if frame is not None else None
    if start is None or size is None:
        return None
    x, y, width, height = (int(each.get(name, "0")) / 12700 for each, name in _edges(start, size))
    return (x, y, x + width, y + height)


def _edges(start: etree._Element, size: etree._Element) -> tuple[tuple[etree._Element, str], ...]:
    return (start, "x"), (start, "y"), (size, "cx"), (size, "cy")
