"""Formulas of Office as a line of text, the way Office itself writes them "linear" (Unicode Technical Note 28): what
stands high, low, above or under a root says so, which a bare row of letters would lose."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from lxml import etree

_M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MATH: Final = f"{_M}oMath"
_WORD_PROPERTIES: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
# One letter, one number, or what has its own brackets needs none around it.
_ATOM = re.compile(r"\w[\u0300-\u036f]?|[\d.]+|[∞π]|\([^()]*\)|\[[^\[\]]*\]")
_MOST_DEPTH: Final = 60
_HIDES: Final = frozenset({f"{_WORD_PROPERTIES}vanish", f"{_WORD_PROPERTIES}webHidden"})


def linear(element: etree._Element, depth: int = 0) -> str:
    """The formula below ``element``; deeper than anybody writes only its letters."""
    if depth > _MOST_DEPTH:
        return "".join(str(part) for part in element.itertext())
    return "".join(_node(child, depth + 1) for child in element)


def _node(node: etree._Element, depth: int) -> str:
    if not isinstance(node.tag, str) or node.tag.endswith(("Pr", "}del", "}moveFrom")):
        return ""
    name = node.tag.removeprefix(_M)
    if name == "t":
        return node.text or ""
    if name == "r" and any(each.tag in _HIDES for properties in node for each in properties):
        return ""
    shaped = _SHAPES.get(name)
    return shaped(node, depth) if shaped is not None else linear(node, depth)


def _part(node: etree._Element, name: str, depth: int) -> str:
    found = node.find(f"{_M}{name}")
    return linear(found, depth).strip() if found is not None else ""


def _property(node: etree._Element, name: str) -> str | None:
    """The value of a property; None where it is not given, empty where it is given without one."""
    found = node.find(f"{node.tag}Pr/{_M}{name}")
    return found.get(f"{_M}val", "") if found is not None else None


def grouped(text: str) -> str:
    """``text`` as one operand: in brackets where it is more than a letter or a number."""
    return text if _ATOM.fullmatch(text) or not text else f"({text})"


def _scripts(node: etree._Element, depth: int, *, base: str = "") -> str:
    low, high = _part(node, "sub", depth), _part(node, "sup", depth)
    return base + (f"_{grouped(low)}" if low else "") + (f"^{grouped(high)}" if high else "")


def _script(node: etree._Element, depth: int) -> str:
    return _scripts(node, depth, base=grouped(_part(node, "e", depth)))


def _before(node: etree._Element, depth: int) -> str:
    return f"{_scripts(node, depth)} {_part(node, 'e', depth)}"


def _fraction(node: etree._Element, depth: int) -> str:
    above, below = _part(node, "num", depth), _part(node, "den", depth)
    if _property(node, "type") == "noBar":
        return f"({above} ¦ {below})" if node.getparent() is None or not _in_brackets(node) else f"{above} ¦ {below}"
    return f"{grouped(above)}/{grouped(below)}"


def _in_brackets(node: etree._Element) -> bool:
    around = node.getparent()
    outer = around.getparent() if around is not None else None
    return outer is not None and outer.tag == f"{_M}d" and around is not None and len(around) == 1


def _root(node: etree._Element, depth: int) -> str:
    degree, inside = _part(node, "deg", depth), _part(node, "e", depth)
    return f"√({degree}&{inside})" if degree else f"√{grouped(inside)}"


def _sum(node: etree._Element, depth: int) -> str:
    sign = _property(node, "chr")
    body = _part(node, "e", depth)
    limits = _scripts(node, depth, base="∫" if sign is None else sign)
    return f"{limits} {body}" if len(limits) > 1 and body else limits + body


def _brackets(node: etree._Element, depth: int) -> str:
    begin, between, end = (_property(node, name) for name in ("begChr", "sepChr", "endChr"))
    inside = ("|" if between is None else between).join(
        linear(each, depth).strip() for each in node.iterchildren(f"{_M}e")
    )
    return f"{'(' if begin is None else begin}{inside}{')' if end is None else end}"


def _function(node: etree._Element, depth: int) -> str:
    name, of = _part(node, "fName", depth), _part(node, "e", depth)
    return f"{name} {of}" if _ATOM.fullmatch(of) and not of.startswith("(") else f"{name}{grouped(of)}"


def _limit(mark: str) -> Callable[[etree._Element, int], str]:
    def written(node: etree._Element, depth: int) -> str:
        return f"{_part(node, 'e', depth)}{mark}{grouped(_part(node, 'lim', depth))}"

    return written


def _accent(node: etree._Element, depth: int) -> str:
    sign, base = _property(node, "chr"), _part(node, "e", depth)
    return unicodedata.normalize("NFC", f"{grouped(base)}{sign or chr(0x302)}")


def _bar(node: etree._Element, depth: int) -> str:
    return f"{grouped(_part(node, 'e', depth))}{chr(0x305) if _property(node, 'pos') == 'top' else chr(0x332)}"


def _rows(node: etree._Element, depth: int) -> str:
    rows = [", ".join(linear(cell, depth).strip() for cell in row) for row in node.iterchildren(f"{_M}mr")]
    text = "; ".join(rows)
    return text if _in_brackets(node) else f"[{text}]"


def _lines(node: etree._Element, depth: int) -> str:
    return "; ".join(linear(each, depth).strip() for each in node.iterchildren(f"{_M}e"))


def _phantom(node: etree._Element, depth: int) -> str:
    """It takes up room; what it holds is only seen where it says so."""
    return _part(node, "e", depth) if _property(node, "show") not in {"0", "off", "false"} else ""


_SHAPES: Final[dict[str, Callable[[etree._Element, int], str]]] = {
    **dict.fromkeys(("sSup", "sSub", "sSubSup"), _script),
    "sPre": _before,
    "f": _fraction,
    "rad": _root,
    "nary": _sum,
    "d": _brackets,
    "func": _function,
    "limLow": _limit("_"),
    "limUpp": _limit("^"),
    "acc": _accent,
    "bar": _bar,
    "m": _rows,
    "eqArr": _lines,
    "phant": _phantom,
}
