"""Runs of one page become blocks: reading order, paragraphs, headings, tables."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from liaoyuan.knowledge.parse.blocks import Block, BlockType, TextLine
from liaoyuan.knowledge.parse.columns import Columns, reading_order
from liaoyuan.knowledge.parse.grid import header_rows
from liaoyuan.knowledge.parse.lists_beside import lists_in_turn
from liaoyuan.knowledge.parse.open_tables import headed_table, spread_table
from liaoyuan.knowledge.parse.runs import Line, Run, union
from liaoyuan.knowledge.parse.structure import is_list_item, starts_item
from liaoyuan.knowledge.parse.tables import aligned_table
from liaoyuan.knowledge.parse.text import ends_sentence, is_cjk, is_contents_entry, join_lines, without_leaders

_HEADING_RATIO = 1.15
_HEADING_CHARACTERS = 120
# How much higher than the body a recognised line must be: any, a short one, a title.
_CLEAR, _CLEAR_SHORT, _TITLE_RATIO = 1.3, 1.22, 1.36
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s*(?=[A-Z\u4e00-\u9fff])( ?[A-Z][a-z]+(?: [A-Za-z]+){0,5}$)?")
_BULLETS = frozenset("•·●○▪■◆‣◦")
_RELATION = re.compile(r"\S\s*[=≈≠≤≥<>∝≡]\s*\S")
# A word, a time, a sum: what stands in a sentence or a form.
_WORD = re.compile(r"[A-Za-z]{5,}|[\u4e00-\u9fff]|[A-Za-z]{2,} [A-Za-z]{2,}|[:;：；]")


@dataclass(frozen=True, slots=True)
class Typography:
    """What is ordinary in a document: the height of its body text and the heights of headings, largest first."""

    body: float
    heading_sizes: tuple[float, ...]

    def level(self, size: float) -> int | None:
        """1 for the largest heading size; None for body text."""
        for index, heading in enumerate(self.heading_sizes):
            if abs(size - heading) <= 0.06 * heading:
                return index + 1
        return None


def typography(pages: list[list[Run]]) -> Typography:
    """Body height by number of characters; every clearly larger height is a heading size (at most five)."""
    weights: Counter[float] = Counter()
    for runs in pages:
        for run in runs:
            weights[round(run.size * 2) / 2] += len(run.text)
    if not weights:
        return Typography(body=10.0, heading_sizes=())
    body = weights.most_common(1)[0][0]
    larger = sorted((size for size in weights if size >= body * _HEADING_RATIO), reverse=True)
    distinct: list[float] = []
    for size in larger:
        if not distinct or distinct[-1] - size > 0.06 * distinct[-1]:
            distinct.append(size)
    return Typography(body=body, heading_sizes=tuple(distinct[:5]))


def page_blocks(
    runs: list[Run], page: int, style: Typography, *, ocr: bool = False, columns: Columns | None = None
) -> list[Block]:
    """Blocks of one page in reading order; ``page`` counts from 1. ``columns`` remembers those of the page before."""
    blocks: list[Block] = []
    for lines in reading_order(runs, columns=columns):
        blocks.extend(_region_blocks(lists_in_turn(lines), page, style, ocr=ocr))
    return _titled(blocks) if page == 1 else blocks


def _titled(blocks: list[Block]) -> list[Block]:
    """A document that opens with one short, unfinished line opens with its title, whatever its height."""
    if len(blocks) < 2 or blocks[0].type is not BlockType.PARAGRAPH or any(block.level == 1 for block in blocks):
        return blocks
    first = blocks[0]
    text = first.text.rstrip("）)")
    short = 4 <= len(first.text) <= 40 and first.box is not None and first.box[3] - first.box[1] < 40
    if short and not ends_sentence(text) and not starts_item(text) and any(map(is_cjk, text)):
        return [replace(first, type=BlockType.HEADING, level=1), *blocks[1:]]
    return blocks


def _region_blocks(lines: list[Line], page: int, style: Typography, *, ocr: bool) -> list[Block]:
    blocks: list[Block] = []
    left, right = _edges(lines)
    pitch = _pitch(lines)
    index = 0
    while index < len(lines):
        taken, table = _table_at(lines, index)
        if table is not None:
            blocks.append(_table_block(lines[index : index + taken], table, page, ocr=ocr))
            index += taken
            continue
        end = index + 1
        while (
            end < len(lines)
            and not _breaks(
                lines[end - 1], lines[end], left, right, max(pitch, _pitch(lines[max(0, end - 3) : end + 3]))
            )
            and _table_at(lines, end)[1] is None
        ):
            end += 1
        blocks.append(_text_block(lines[index:end], page, style, ocr=ocr))
        index = end
    return blocks


def _table_at(lines: list[Line], index: int) -> tuple[int, list[list[str]] | None]:
    """The table that begins at this line: (lines taken, rows), or (0, None)."""
    whole = lines[index].runs[0].table
    if whole:
        return 1, whole
    taken, table = aligned_table(lines, index)
    spread = spread_table(lines, index)
    if spread is not None and (table is None or spread.lines > taken or len(spread.rows) < taken):
        return spread.lines, spread.rows
    headed = headed_table(lines, index) if table is None else None
    return (headed.lines, headed.rows) if headed is not None else (taken, table)


def _edges(lines: list[Line]) -> tuple[float, float]:
    starts, ends = sorted(line.x0 for line in lines), sorted(line.x1 for line in lines)
    return starts[len(starts) // 10], ends[len(ends) * 9 // 10]


def _pitch(lines: list[Line]) -> float:
    steps = [lower.y0 - upper.y0 for upper, lower in pairwise(lines) if lower.y0 > upper.y0]
    return median(steps) if steps else 0.0


def _breaks(last: Line, line: Line, left: float, right: float, pitch: float) -> bool:
    """Whether ``line`` opens a new paragraph after ``last``."""
    if line.runs[0].table is not None or is_contents_entry(without_leaders(last.text)):
        return True
    if last.formula != line.formula:
        return True
    size = max(last.size, line.size)
    if line.y1 < last.y0:
        return True  # the top of another list beside it
    if (not line.formula and abs(last.size - line.size) > 0.15 * size) or line.bold != last.bold:
        return True
    if line.y0 - last.y0 > max(1.35 * pitch, 1.2 * size) and line.y0 - last.y1 > 0.55 * size:
        return True
    return _ends_early(last, line, left, right, size) or _indented(last, line, size)


def _ends_early(last: Line, line: Line, left: float, right: float, size: float) -> bool:
    text = last.text
    room = right - last.x1
    closed = ends_sentence(text)
    # A middle dot may stand in a name that was cut there.
    if line.bullet or line.text[:1] in _BULLETS - {"·"}:
        return True
    if starts_item(line.text) and (closed or room > 2 * size):
        return True
    if closed and room > 1.5 * size:
        return True
    unbreakable = _latin_start(line.text) * 0.6 * size  # a word or number that did not fit moves down whole
    return bool(text) and is_cjk(text[-1]) and room > max(3 * size, 0.15 * (right - left), unbreakable)


def _indented(last: Line, line: Line, size: float) -> bool:
    deeper = line.x0 - last.x0
    return (
        1.2 * size < deeper < 4 * size
        and not is_list_item(last.text)
        and (ends_sentence(last.text) or is_cjk(line.text[0]))
    )


def _table_block(lines: list[Line], table: list[list[str]], page: int, *, ocr: bool) -> Block:
    text = "\n".join("\t".join(row).rstrip("\t") for row in table)
    table = lines[0].runs[0].filled or table
    box = union([run.box for line in lines for run in line.runs])
    names = header_rows(lines[0].runs[0].table or table, table)
    return Block(BlockType.TABLE, text, page=page, box=box, table=table, ocr=ocr, header_rows=names)


def _text_block(lines: list[Line], page: int, style: Typography, *, ocr: bool) -> Block:
    text = ""
    for line in lines:
        text = join_lines(text, without_leaders(line.text))
    box = union([run.box for line in lines for run in line.runs])
    formula = all(line.formula for line in lines) or _reads_as_formula(lines)
    level = None if formula else _heading_level(lines, text, style, ocr=ocr)
    listed = lines[0].bullet or is_list_item(text)
    kind = BlockType.HEADING if level else BlockType.LIST if listed else BlockType.PARAGRAPH
    kind = BlockType.FORMULA if formula else kind
    if is_contents_entry(text):
        kind, level = BlockType.LIST, None
    places = tuple(
        TextLine(page, (line.x0, line.y0, line.x1, line.y1), text=without_leaders(line.text)) for line in lines
    )
    return Block(kind, text, page=page, box=box, level=level, ocr=ocr, lines=places)


def _reads_as_formula(lines: list[Line]) -> bool:
    """One line with an equals sign or its kin between signs that make no words."""
    text = lines[0].text
    return len(lines) == 1 and len(text) <= 80 and bool(_RELATION.search(text)) and not _WORD.search(text)


def _heading_level(lines: list[Line], text: str, style: Typography, *, ocr: bool) -> int | None:
    if len(text) > _HEADING_CHARACTERS or len(lines) > 3 or not any(character.isalpha() for character in text):
        return None
    if lines[0].bullet or text[0] in _BULLETS:
        return None
    level = style.level(lines[0].size)
    if ocr:
        return _recognised_level(lines, text, style)
    if level is not None:
        return level
    bold = all(line.bold for line in lines) and len(lines) == 1 and len(text) <= 80
    return len(style.heading_sizes) + 1 if bold and not ends_sentence(text) and not is_list_item(text) else None


def _recognised_level(lines: list[Line], text: str, style: Typography) -> int | None:
    """Boxes of recognised lines vary in height: only a clearly larger, short, unfinished line is a heading, or one that
    begins with a number as titles do. Numbers tell the level, else the height."""
    closed = ends_sentence(text.rstrip("）)")) or text.endswith(("…", "..", "·"))
    if len(lines) > 1 or closed or is_contents_entry(text):
        return None
    ratio = lines[0].size / max(0.1, style.body)
    numbered = _NUMBERED.match(text) if len(text) <= 40 else None
    if ratio <= (_CLEAR_SHORT if len(text) <= 30 else _CLEAR) and not (numbered and numbered.group(2)):
        return None
    if numbered:
        return 2 + numbered.group(1).count(".")
    return 1 if ratio > _TITLE_RATIO else 2


def _latin_start(text: str) -> int:
    return next((index for index, character in enumerate(text) if is_cjk(character) or character.isspace()), len(text))
