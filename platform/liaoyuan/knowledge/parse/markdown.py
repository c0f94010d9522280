"""Markdown: headings, lists, tables and code by its own grammar; raw HTML inside is read as HTML."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.encoding import decode
from liaoyuan.knowledge.parse.grid import Grid, table_block
from liaoyuan.knowledge.parse.html_page import html_document
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import is_cjk, plain


def read_markdown(source: Source) -> ParsedDocument:
    """Links keep their words and lose their targets; pictures keep their alternative text."""
    text, lossy = decode(source.data)
    flags = {"lossy_encoding"} if lossy else set()
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(_without_front_matter(text))
    blocks = list(_Reader(tokens, flags).blocks())
    title = next((block.text for block in blocks if block.type is BlockType.HEADING and block.level == 1), source.stem)
    return ParsedDocument(title, "", [], blocks, flags)


def _without_front_matter(text: str) -> str:
    if text.startswith("---\n"):
        end = text.find("\n---", 4)
        if 0 < end < 20_000:
            return text[end + 4 :].lstrip("-")
    return text


class _Reader:
    """Walks the flat token list once."""

    def __init__(self, tokens: list[Token], flags: set[str]) -> None:
        self.tokens = tokens
        self.flags = flags
        self.item_depth = 0

    def blocks(self) -> Iterator[Block]:
        """Blocks in order."""
        index = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            if token.type == "table_open":
                end = next(i for i in range(index, len(self.tokens)) if self.tokens[i].type == "table_close")
                yield table_block(_grid(self.tokens[index:end]))
                index = end
            else:
                self.item_depth += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
                yield from self._block(token, self.tokens[index - 1] if index else token)
            index += 1

    def _block(self, token: Token, before: Token) -> Iterator[Block]:
        if token.type == "inline":
            text = _inline(token)
            if before.type == "heading_open" and text:
                yield Block(BlockType.HEADING, plain(text), level=int(before.tag[1]))
            elif text:
                yield Block(BlockType.LIST if self.item_depth else BlockType.PARAGRAPH, text)
        elif token.type in {"fence", "code_block"} and token.content.strip():
            yield Block(BlockType.CODE, token.content.rstrip("\n"))
        elif token.type == "html_block":
            inner = html_document(token.content, "")
            self.flags |= inner.flags
            yield from inner.blocks


def _inline(token: Token) -> str:
    parts: list[str] = []
    children = token.children or []
    for index, child in enumerate(children):
        if child.type in {"text", "code_inline", "image"}:
            parts.append(child.content)
        elif child.type == "hardbreak":
            parts.append("\n")
        elif child.type == "softbreak":
            parts.append(_soft(parts, children[index + 1] if index + 1 < len(children) else None))
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            parts.append("\n")
    return "".join(parts).strip()


def _soft(parts: list[str], following: Token | None) -> str:
    left = parts[-1][-1:] if parts else ""
    right = following.content[:1] if following is not None else ""
    return "" if left and right and is_cjk(left) and is_cjk(right) else " "


def _grid(tokens: list[Token]) -> Grid:
    rows: Grid = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(plain(_inline(token)))
    return rows
