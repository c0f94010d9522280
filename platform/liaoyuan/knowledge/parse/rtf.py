"""RTF: paragraphs and table rows without their formatting."""

from collections.abc import Iterator
from itertools import groupby

from striprtf.striprtf import rtf_to_text

from liaoyuan.knowledge.parse.blocks import Block, ParsedDocument
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.grid import table_block
from liaoyuan.knowledge.parse.plain_text import text_blocks
from liaoyuan.knowledge.parse.rtf_hidden import without_hidden
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import clean

_CELL_END = "|"
# A bar among the words would end a cell: until the cells are told apart a character of nobody's stands for it.
_BAR, _STANDS_FOR = "\\u-8068?", chr(0x10000 - 8068)


def read_rtf(source: Source) -> ParsedDocument:
    """Pictures, embedded objects and the instructions of fields give nothing; code pages as the file declares them."""
    try:
        # RTF is ASCII by definition; what is not came from careless programs in the Chinese Windows code page.
        markup = source.data.decode("gb18030", "replace")
        markup, unseen = without_hidden(markup.replace(_CELL_END, _BAR))
        text = str(rtf_to_text(markup, encoding="gb18030", errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, IndexError, KeyError, LookupError, AttributeError) as error:
        raise Corrupt(name=source.name) from error
    cleaned, hidden = clean(text, keep_spaces=True)
    hidden = hidden or unseen
    blocks = list(_blocks(cleaned))
    return ParsedDocument(source.stem, "", [], blocks, {"hidden_text"} if hidden else set())


def _blocks(text: str) -> Iterator[Block]:
    """A row of a table is a line whose every cell ends with a bar."""
    for tabular, lines in groupby(text.split("\n"), key=lambda line: line.rstrip().endswith(_CELL_END)):
        if tabular:
            rows = [
                [cell.strip().replace(_STANDS_FOR, _CELL_END) for cell in line.rstrip()[:-1].split(_CELL_END)]
                for line in lines
            ]
            width = max(map(len, rows))
            yield table_block([row + [""] * (width - len(row)) for row in rows])
        else:
            yield from text_blocks("\n".join(lines).replace(_STANDS_FOR, _CELL_END))
