"""MathML in a page as a line of text, written the way formulas of a DOCX are."""

from collections.abc import Callable
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from liaoyuan.knowledge.parse.docx_math import grouped

_UNREAD: Final = frozenset({"annotation", "annotation-xml", "mphantom"})
_MOST_DEPTH: Final = 60


def write_formulas(tree: LexborHTMLParser) -> None:
    """Puts a line of text in the place of each formula."""
    for node in tree.css("math"):
        if node.parent is not None:
            node.replace_with(f" {linear(node)} ")


def linear(node: LexborNode, depth: int = 0) -> str:
    """The formula below ``node``."""
    if depth > _MOST_DEPTH:
        return node.text() or ""
    parts = [_part(child, depth) for child in node.iter(include_text=True)]
    shaped = _SHAPES.get(node.tag or "")
    parts = [part for part in parts if part]
    if shaped is not None and len(parts) == shaped[0]:
        return shaped[1](*parts)
    if node.tag == "msqrt":
        return f"√{grouped(''.join(parts))}"
    return ("; " if node.tag == "mtable" else ", " if node.tag == "mtr" else "").join(parts)


def _part(node: LexborNode, depth: int) -> str:
    if node.tag == "-text":
        return " ".join((node.text(deep=False) or "").split())
    return linear(node, depth + 1) if node.tag not in _UNREAD else ""


_SHAPES: Final[dict[str, tuple[int, Callable[..., str]]]] = {
    "mfrac": (2, lambda above, below: f"{grouped(above)}/{grouped(below)}"),
    "msup": (2, lambda base, high: f"{grouped(base)}^{grouped(high)}"),
    "msub": (2, lambda base, low: f"{grouped(base)}_{grouped(low)}"),
    "msubsup": (3, lambda base, low, high: f"{grouped(base)}_{grouped(low)}^{grouped(high)}"),
    "munder": (2, lambda base, low: f"{base}_{grouped(low)}"),
    "mover": (2, lambda base, high: f"{base}^{grouped(high)}"),
    "munderover": (3, lambda base, low, high: f"{base}_{grouped(low)}^{grouped(high)} "),
    "mroot": (2, lambda inside, degree: f"√({degree}&{inside})"),
}
