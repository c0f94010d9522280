"""TXT: encoding, then paragraphs, whether lines are whole paragraphs or wrapped at a width."""

import re
from statistics import median

from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.encoding import declared_encoding, decode
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.structure import is_list_item, starts_item
from liaoyuan.knowledge.parse.text import clean, ends_sentence, is_cjk, join_lines

_WRAP_LIMIT = 130
# Notes and exported statutes often carry Markdown headings whatever their extension.
_MARKED = re.compile(r"^(#{1,6})\s+(\S.{0,120})$")


def read_text(source: Source) -> ParsedDocument:
    """UTF-8, UTF-16, GB18030, Big5 and what charset-normalizer finds."""
    text, lossy = decode(source.data, declared_encoding(source.data) if source.data[:1] == b"<" else None)
    cleaned, hidden = clean(text, keep_spaces=True)
    blocks = text_blocks(cleaned)
    flags = ({"lossy_encoding"} if lossy else set()) | ({"hidden_text"} if hidden else set())
    return ParsedDocument(_title(blocks) or source.stem, "", [], blocks, flags)


def text_blocks(text: str) -> list[Block]:
    """Paragraphs of plain text; a blank line always ends one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").split("\n")
    wrapped = _wrap_width(lines)
    blocks: list[Block] = []
    paragraph = ""
    last = ""
    for line in lines:
        if paragraph and not _continues(last, line, wrapped):
            blocks.append(_block(paragraph))
            paragraph = ""
        paragraph = join_lines(paragraph, line.strip(" \t\u3000"))
        last = line
    if paragraph:
        blocks.append(_block(paragraph))
    return blocks


def _block(text: str) -> Block:
    marked = _MARKED.match(text)
    if marked:
        return Block(BlockType.HEADING, marked.group(2), level=len(marked.group(1)))
    return Block(BlockType.LIST if is_list_item(text) else BlockType.PARAGRAPH, text)


def _width(line: str) -> int:
    return sum(2 if is_cjk(character) else 1 for character in line.rstrip())


def _wrap_width(lines: list[str]) -> int:
    """The width at which lines were wrapped, 0 where each line is a paragraph of its own."""
    widths = sorted(_width(line) for line in lines if line.strip())
    if len(widths) < 4:
        return 0
    widest = widths[-max(1, len(widths) // 20)]
    if widest > _WRAP_LIMIT or widest < 30:
        return 0
    full = [line for line in lines if _width(line) >= widest * 0.85]
    unfinished = sum(not ends_sentence(line) for line in full)
    return widest if len(full) >= 3 and unfinished > 0.5 * len(full) and median(widths) > widest * 0.4 else 0


def _continues(last: str, line: str, wrapped: int) -> bool:
    if not wrapped or not line.strip() or not last.strip() or starts_item(line.strip()) or _MARKED.match(last):
        return False
    indented = line[:1] in " \t\u3000" and last[:1] not in " \t\u3000"
    return _width(last) >= wrapped * 0.75 and not indented


def _title(blocks: list[Block]) -> str:
    if blocks and blocks[0].type is BlockType.HEADING:
        return blocks[0].text
    if (
        not blocks
        or len(blocks[0].text) > 60
        or ends_sentence(blocks[0].text.rstrip("）)"))
        or starts_item(blocks[0].text)
    ):
        return ""
    return blocks[0].text
