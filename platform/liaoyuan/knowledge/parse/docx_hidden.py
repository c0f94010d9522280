"""Words in a DOCX that Word does not show, or shows in the colour of the paper or too small to be seen."""

from docx.oxml.ns import qn
from lxml import etree

_PAPER = frozenset({"FFFFFF", "FEFEFE", "FDFDFD"})
# Half points: two is a single point, a speck on the page.
_LEAST_SIZE = 2
_OFF = frozenset({"0", "false", "off"})
_RPR = qn("w:rPr")


def is_hidden(run: etree._Element) -> bool:
    """Whether a ``w:r`` is not to be seen by its own properties."""
    properties = run.find(_RPR)
    if properties is None:
        return False
    return _vanishes(properties) or _tiny(properties) or _pale(run, properties)


def hidden_styles(styles: etree._Element) -> frozenset[str]:
    """Identifiers of the styles whose text vanishes."""
    return frozenset(
        style.get(qn("w:styleId"), "")
        for style in styles.iter(qn("w:style"))
        if (properties := style.find(_RPR)) is not None and (_vanishes(properties) or _tiny(properties))
    )


def _vanishes(properties: etree._Element) -> bool:
    found = [properties.find(qn(name)) for name in ("w:vanish", "w:webHidden", "w:specVanish")]
    return any(one is not None and one.get(qn("w:val"), "1") not in _OFF for one in found)


def _tiny(properties: etree._Element) -> bool:
    size = properties.find(qn("w:sz"))
    value = size.get(qn("w:val"), "") if size is not None else ""
    return value.isdigit() and int(value) <= _LEAST_SIZE


def _pale(run: etree._Element, properties: etree._Element) -> bool:
    """The paper's colour on bare paper: shading, highlighting or a styled table may be a dark ground."""
    colour = properties.find(qn("w:color"))
    if colour is None or colour.get(qn("w:val"), "").upper() not in _PAPER:
        return False
    if properties.find(qn("w:highlight")) is not None or _shaded(properties):
        return False
    for ancestor in run.iterancestors():
        if ancestor.tag == qn("w:txbxContent"):
            return False  # a box may be filled
        if any(_shaded(part) for part in ancestor.iterchildren(qn("w:pPr"), qn("w:tcPr"), qn("w:tblPr"))):
            return False
        if ancestor.tag == qn("w:tbl") and ancestor.find(f"{qn('w:tblPr')}/{qn('w:tblStyle')}") is not None:
            return False
    return True


def _shaded(properties: etree._Element) -> bool:
    shading = properties.find(qn("w:shd"))
    return shading is not None and shading.get(qn("w:fill"), "auto").upper() not in {"AUTO", *_PAPER}
