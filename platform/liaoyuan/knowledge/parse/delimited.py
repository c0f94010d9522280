"""CSV and TSV: encoding, then the delimiter that gives the most regular table."""

import csv
import io
from itertools import islice

from liaoyuan.knowledge.parse.blocks import Block, ParsedDocument
from liaoyuan.knowledge.parse.encoding import decode
from liaoyuan.knowledge.parse.errors import Corrupt
from liaoyuan.knowledge.parse.grid import table_block
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.text import clean

_DELIMITERS = ",\t;|"
# A column of words with commas in them is cut by nothing: a character that no text has.
_NONE = "\x1f"
_ROWS_A_BLOCK = 200
_LONGEST_FIELD = 1_000_000


def read_csv(source: Source) -> ParsedDocument:
    """One table block per 200 rows, the header repeated in each block's ``table``."""
    text, lossy = decode(source.data)
    text, hidden = clean(text, keep_spaces=True)
    flags = ({"lossy_encoding"} if lossy else set()) | ({"hidden_text"} if hidden else set())
    csv.field_size_limit(_LONGEST_FIELD)
    blocks: list[Block] = []
    left = source.limits.cells
    try:
        rows = iter(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
        header: list[str] = []
        number = 1
        while part := list(islice(rows, _ROWS_A_BLOCK)):
            left -= sum(map(len, part))
            if left < 0:
                flags.add("cell_limit")
                break
            kept = [[cell.strip() for cell in row] for row in part if any(cell.strip() for cell in row)]
            if kept:
                blocks.append(
                    table_block(
                        kept,
                        filled=[header, *kept] if header else kept,
                        locator=f"rows {number}-{number + len(part) - 1}",
                    )
                )
                header = header or kept[0]
            number += len(part)
    except csv.Error as error:
        raise Corrupt(name=source.name) from error
    return ParsedDocument(source.stem, "", [], blocks, flags)


def _delimiter(text: str) -> str:
    """The one by which most rows are equally wide; none where most rows have none of it and are a single column."""
    sample = text[:65536].splitlines()[:100]

    def regularity(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        wide = [width for width in widths if width > 1]
        common = max(set(wide), key=wide.count) if wide else 1
        return (wide.count(common) if len(wide) * 2 > len(widths) else 0, common)

    best = max(_DELIMITERS, key=regularity)
    return best if regularity(best)[0] else _NONE
