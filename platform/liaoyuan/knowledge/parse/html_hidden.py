"""Words in an HTML page that a browser would not show: by attribute, by inline style, or by a rule of the page."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])"
    r"|(?<![\w-])opacity\s*:\s*0?(?:\.0+)?\s*(?:;|!|$)|(?<![\w-])(?:left|right|top|text-indent)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*0|(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|!|$)"
    r"|(?<![\w-])color\s*:\s*transparent",
    re.IGNORECASE,
)
_PALE = re.compile(r"(?<![\w-])color\s*:\s*(?:#fff(?:fff)?\b|white\b|rgba?\(\s*255\s*,\s*255\s*,\s*255)", re.IGNORECASE)
_GROUND = re.compile(r"background", re.IGNORECASE)
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]*)\}")
_MEDIA = re.compile(r"@media([^{};]{1,300})\{", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\b(?:print|speech|braille)\b|max-(?:device-)?(?:width|height)|width\s*<", re.IGNORECASE)
# A list of media holds where one of them does.
_EVERYWHERE = re.compile(r"\bnot\b|(?:^|,)\s*(?:all|(?:only\s+)?screen)\s*(?:,|$)", re.IGNORECASE)
_BRACE = re.compile(r"[{}]")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MOST_RULES, _MOST_STYLE = 200, 500_000
# A rule for the screen's states says nothing of how the page lies there.
_STATES = re.compile(r"@|:(?:hover|focus|active|before|after|checked|target|not)", re.IGNORECASE)


def drop_hidden(tree: LexborHTMLParser) -> bool:
    """Takes what is not shown out of ``tree``; returns whether words went. The page's own rules must still be in it."""
    dropped = False
    for node in [*tree.css("[hidden],[aria-hidden=true],[style],font[color]"), *_by_rule(tree)]:
        if node.parent is not None and node.tag not in {"html", "body"} and _is_hidden(node):
            dropped = dropped or bool((node.text() or "").strip())
            node.decompose()
    for node in _by_rule(tree):
        if node.tag not in {"html", "body"}:
            dropped = dropped or bool((node.text() or "").strip())
            node.decompose()
    return dropped


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style") or ""
    coloured = bool(_PALE.search(style)) or (attributes.get("color") or "").lower() in {"white", "#ffffff", "#fff"}
    return bool(_UNSEEN.search(style)) or (coloured and _on_paper(node))


def _on_paper(node: LexborNode) -> bool:
    """Whether nothing says that the ground under ``node`` is other than white; a class may say so, so it counts."""
    at: LexborNode | None = node
    while at is not None and at.tag not in {"-document", "-undef"}:
        attributes = at.attributes
        if _GROUND.search(attributes.get("style") or "") or attributes.get("bgcolor") or attributes.get("class"):
            return False
        at = at.parent
    return True


def _by_rule(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    sheet = _COMMENT.sub("", " ".join(node.text() or "" for node in tree.css("style"))[:_MOST_STYLE])
    rules = [(selector.strip(), body) for selector, body in _RULE.findall(_on_screen(sheet))]
    hiding = [selector for selector, body in rules if _UNSEEN.search(body) and not _STATES.search(selector)]
    for selector in hiding[:_MOST_RULES]:
        # One part that this parser does not know must not keep the others from hiding.
        found = _selected(tree, selector)
        parts = selector.split(",") if found is None else ()
        yield from found if found is not None else [node for part in parts for node in _selected(tree, part) or ()]


def _on_screen(sheet: str) -> str:
    """``sheet`` without what holds for paper or small screens alone: what is only not printed is read by people."""
    kept: list[str] = []
    at = 0
    for found in _MEDIA.finditer(sheet):
        if found.start() >= at and _ELSEWHERE.search(found.group(1)) and not _EVERYWHERE.search(found.group(1)):
            kept.append(sheet[at : found.start()])
            at = _block_end(sheet, found.end())
    return "".join((*kept, sheet[at:]))


def _block_end(sheet: str, at: int) -> int:
    """Where the block ends whose first character stands at ``at``."""
    depth = 1
    for found in _BRACE.finditer(sheet, at):
        depth += 1 if found.group() == "{" else -1
        if not depth:
            return found.end()
    return len(sheet)


def _selected(tree: LexborHTMLParser, selector: str) -> list[LexborNode] | None:
    """None for a selector that the parser does not know."""
    try:
        return list(tree.css(selector))
    except (SelectolaxError, ValueError, RuntimeError):
        return None
