"""What a model writes is untrusted: nothing in it may fetch, run or look like a part of the page."""

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

import nh3

TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
        "li", "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead",
        "tr", "ul",
    }
)  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]*)[^)]*\)|!\[[^\]]*\]\[[^\]]*\]")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?([^)\s>]*)[^)]*\)")
REFERENCE = re.compile(r"(?m)^[ ]{0,3}\[[^\]]+\]:[ \t]*<?(\S+?)>?(?:[ \t]+.*)?$")
AUTOLINK = re.compile(r"<((?:https?|ftp|data|javascript|vbscript|file):[^>\s]*)>", re.IGNORECASE)
BARE = re.compile(
    r"(?<![\w(\[<\"'=/])((?:https?|ftp|javascript|data|vbscript|file):(?://)?[^\s<>\"'）)】，。；]+)", re.IGNORECASE
)
HTML = re.compile(
    r"<\s*(script|style|iframe|object|embed|form|input|meta|link|base|svg|math|video|audio|"
    r"source)\b[^>]*>(?:.*?<\s*/\s*\1\s*>)?|<img\b[^>]*>|<[a-z][^>]*\son\w+\s*=[^>]*>",
    re.IGNORECASE | re.DOTALL,
)
HTML_IMAGE_SOURCE = re.compile(r"src\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


def own(address: str, allowed_hosts: Collection[str] = ()) -> bool:
    """Whether an address stays with us: relative, an anchor, or a host that the operator allowed."""
    cleaned = re.sub(r"[\x00-\x20]", "", address).replace("\\", "/")  # as browsers read it
    try:
        parts = urlsplit(cleaned)
    except ValueError:
        return False
    if parts.scheme or parts.netloc or cleaned.startswith("//"):
        return parts.scheme in ("http", "https", "") and parts.hostname in set(allowed_hosts)
    return True


def remote_content(text: str, allowed_hosts: Collection[str] = ()) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of everything in Markdown or HTML output that would leave the house or run."""
    yield from _images(text, allowed_hosts)
    yield from _links(text, allowed_hosts)
    for match in HTML.finditer(text):
        source = HTML_IMAGE_SOURCE.search(match.group()) if match.group().lower().startswith("<img") else None
        if source is None or not own(source.group(1), allowed_hosts):
            yield "html", *match.span()


def _images(text: str, allowed_hosts: Collection[str]) -> Iterator[tuple[str, int, int]]:
    for match in IMAGE.finditer(text):
        if match.group(1) is None or not own(match.group(1), allowed_hosts):
            yield "image", *match.span()


def _links(text: str, allowed_hosts: Collection[str]) -> Iterator[tuple[str, int, int]]:
    """Of a named link only the brackets and the address: its words may stay."""
    for match in LINK.finditer(text):
        if not own(match.group(1), allowed_hosts):
            yield "link", match.start(), match.start() + 1
            yield "link", match.start() + match.group().index("]("), match.end()
    for pattern in (REFERENCE, AUTOLINK, BARE):
        for match in pattern.finditer(text):
            if not own(match.group(1), allowed_hosts):
                yield "link", *match.span()


def sanitise_markdown(text: str, allowed_hosts: Collection[str] = ()) -> str:
    """Markdown without remote images, links (their words stay) and active HTML."""
    spans = sorted({(start, end) for _, start, end in remote_content(text, allowed_hosts)})
    parts, position = [], 0
    for start, end in spans:
        parts.append(text[position : max(position, start)])
        position = max(position, end)
    return "".join([*parts, text[position:]])


def sanitise_html(html: str, allowed_hosts: Collection[str] = ()) -> str:
    """HTML that is safe to show: an allow-list of tags, addresses of our own only, links without referrer."""
    hosts = frozenset(allowed_hosts)

    def attribute(tag: str, name: str, value: str) -> str | None:
        return value if name not in ("href", "src") or own(value, hosts) else None

    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=attribute,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
