"""Words in an OpenDocument text that nobody sees: switched off, or in the colour of the paper."""

from lxml import etree

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _STYLE, _TABLE, _DRAW = (f"{{{_NAMES}{part}:1.0}}" for part in ("text", "style", "table", "drawing"))
_FO = f"{{{_NAMES}xsl-fo-compatible:1.0}}"
_WHITE = frozenset({"#ffffff", "#fefefe", "#fdfdfd"})
# Fields whose words show by a condition; what they show as a rule stands in them, and is left out with them.
_BY_CONDITION = frozenset({f"{_TEXT}hidden-text", f"{_TEXT}hidden-paragraph"})
# On these the ground may be dark.
_GROUNDED = frozenset({f"{_TABLE}table-cell", f"{_DRAW}text-box", f"{_DRAW}page", f"{_DRAW}custom-shape"})


def drop_hidden(body: etree._Element, styles: etree._Element) -> bool:
    """Takes what is not shown out of ``body``; returns whether words went. ``styles`` holds the styles by name."""
    unseen, pale = _styles(styles)
    dropped = False
    for node in list(body.iter(etree.Element)):
        name = node.get(f"{_TEXT}style-name", "")
        hidden = name in unseen or node.tag in _BY_CONDITION or _switched_off(node)
        if hidden or (name in pale and not any(each.tag in _GROUNDED for each in node.iterancestors())):
            dropped = dropped or bool("".join(map(str, node.itertext())).strip())
            _empty(node)
    return dropped


def _switched_off(node: etree._Element) -> bool:
    return node.tag == f"{_TEXT}section" and node.get(f"{_TEXT}display") == "none"


def _empty(node: etree._Element) -> None:
    """Without its words; what follows it in the same paragraph stays."""
    tail = node.tail
    node.clear()
    node.tail = tail


def _styles(root: etree._Element) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the styles that switch text off, and of those that give it the colour of bare paper."""
    unseen, pale = set(), set()
    for style in root.iter(f"{_STYLE}style"):
        for properties in style.iterchildren(f"{_STYLE}text-properties"):
            name = style.get(f"{_STYLE}name", "")
            if properties.get(f"{_TEXT}display") == "none":
                unseen.add(name)
            grounded = any(each.get(f"{_FO}background-color", "transparent") != "transparent" for each in style)
            if properties.get(f"{_FO}color", "").lower() in _WHITE and not grounded:
                pale.add(name)
    return frozenset(unseen), frozenset(pale)
