"""An answer's text as lines of words and citation marks."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from liaoyuan.deployment.answering import FELL_BACK_EN, FELL_BACK_ZH
from liaoyuan.knowledge.ground import check_grounded
from liaoyuan.portal.quotes import cells_of

_MARK: Final = re.compile(r"\s*[\[［【](\d{1,2})[\]］】]")


@dataclass(frozen=True)
class Piece:
    """Words, or (``mark`` above 0) the number of a citation."""

    text: str
    mark: int = 0


Line = Sequence[Piece]


@dataclass(frozen=True)
class Table:
    """Quoted rows below the names of their columns; every cell is a line of its own."""

    head: Sequence[str]
    rows: Sequence[Sequence[Line]]


def body_of(answer: Mapping[str, Any]) -> str:
    """The answer itself, without the notices that the page shows in places of their own."""
    text = str(answer.get("text", ""))
    for notice in (str(answer.get("escalation", "")), FELL_BACK_ZH, FELL_BACK_EN):
        if notice and text.startswith(notice):
            text = text[len(notice) :].lstrip("\n")
    return text


def lines_of(answer: Mapping[str, Any]) -> list[Line | Table]:
    """The body, line by line, with a mark behind every sentence that a citation carries; quoted rows as tables."""
    citations: Sequence[Mapping[str, Any]] = answer.get("citations", [])
    body = body_of(answer)
    numbers = _numbers(citations, generative=answer.get("mode") == "generative")
    if numbers and not any(int(found[1]) in numbers for found in _MARK.finditer(body)):
        body = _marked(body, citations)
        numbers = {number: number for number in range(1, len(citations) + 1)}
    lines = [_line(line, numbers) for line in body.split("\n") if line.strip()]
    return _with_tables(lines, {tuple(head) for head in map(_head, citations) if len(head) > 1})


def _head(citation: Mapping[str, Any]) -> list[str]:
    """The names of the columns of the rows that are cited; a table that is quoted whole begins with them."""
    return cells_of(str(citation.get("header") or str(citation.get("quote", "")).partition("\n")[0]))


def _with_tables(lines: Sequence[Line], heads: Collection[tuple[str, ...]]) -> list[Line | Table]:
    found: list[Line | Table] = []
    place = 0
    while place < len(lines):
        head = tuple(words_of(cell) for cell in _cells(lines[place]))
        rows = list(_rows(lines[place + 1 :], len(head), heads)) if head in heads else []
        found.append(Table(head, rows) if rows else lines[place])
        place += 1 + len(rows)
    return found


def _rows(lines: Sequence[Line], width: int, heads: Collection[tuple[str, ...]]) -> Iterator[list[Line]]:
    """The rows that follow, to the first line that is none or names the columns of another table."""
    for line in lines:
        cells = _cells(line)
        if len(cells) != width or tuple(map(words_of, cells)) in heads:
            return
        yield _led(cells)


def _led(cells: Sequence[Line]) -> list[Line]:
    """A row whose marks stand behind its first words: on a narrow screen its last cell is out of sight."""
    marks = [piece for cell in cells for piece in cell if piece.mark]
    words = [[piece for piece in cell if not piece.mark] for cell in cells]
    at = next((place for place, cell in enumerate(words) if cell), 0)
    return [[*cell, *marks] if place == at else cell for place, cell in enumerate(words)]


def _cells(line: Line) -> list[Line]:
    """A mark stands in the cell that it follows."""
    cells: list[list[Piece]] = [[]]
    for piece in line:
        first, *more = cells_of(piece.text) if piece.text else [""]
        cells[-1].append(Piece(first, piece.mark))
        cells += [[Piece(each)] for each in more]
    return [[piece for piece in cell if piece.text or piece.mark] for cell in cells]


def words_of(line: Line) -> str:
    """The line without its marks."""
    return "".join(piece.text for piece in line)


def _numbers(citations: Sequence[Mapping[str, Any]], *, generative: bool) -> dict[int, int]:
    """What a number in the text means. A model numbers the passages that it was given, quotes number themselves."""
    if not generative:
        return {number: number for number in range(1, len(citations) + 1)}
    chunks = [citation.get("chunk_id") for citation in citations]
    return {number: chunks.index(chunk) + 1 for number, chunk in enumerate(dict.fromkeys(chunks), start=1)}


def _marked(body: str, citations: Sequence[Mapping[str, Any]]) -> str:
    """A text without marks gets them: behind each sentence the quote that carries it best."""
    parts, position = [], 0
    for check in check_grounded(body, [str(citation.get("quote", "")) for citation in citations]).sentences:
        if check.supported and check.evidence is not None:
            end = check.start + len(body[check.start : check.end].rstrip())
            parts += [body[position:end], f"[{check.evidence + 1}]"]
            position = end
    return "".join([*parts, body[position:]])


def _line(line: str, numbers: Mapping[int, int]) -> Line:
    pieces, position = [], 0
    for found in _MARK.finditer(line):
        number = numbers.get(int(found[1]), 0)
        if number:
            pieces += [Piece(line[position : found.start()]), Piece("", number)]
            position = found.end()
    return [piece for piece in [*pieces, Piece(line[position:])] if piece.text or piece.mark]
