"""Quoted rows of a table as a table: figures mean nothing without the names of their columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# As the knowledge layer parts the cells of a row (knowledge/table_lines.py); the last cell may be empty.
_BETWEEN: Final = re.compile(r" \|(?: |$)")


@dataclass(frozen=True)
class Rows:
    """The names of the columns, and below them the rows, each with as many cells."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]


def cells_of(line: str) -> list[str]:
    """The cells of one line of a table; a single one where it is prose."""
    return [cell.strip() for cell in _BETWEEN.split(line)]


def rows_of(quote: str, header: str = "") -> Rows | None:
    """The quote as a table: below ``header``, else below its own first line. None where it is no table, or cut within
    a row."""
    lines = [cells_of(line) for line in (header, *quote.split("\n")) if line.strip()]
    if len(lines) < 2 or len(lines[0]) < 2 or any(len(line) != len(lines[0]) for line in lines):
        return None
    return Rows(lines[0], lines[1:])
