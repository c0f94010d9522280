"""Questions from tables: the value in a named row and column."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from liaoyuan.knowledge.questions.synthesis.english import lowered
from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.text.normalise import is_chinese

_MARK: Final = " | "
_DULL: Final = re.compile(r"^(?:序号|编号|备注|说明|no\.?|id|#|notes?|remarks?)$", re.IGNORECASE)
_EMPTY: Final = frozenset({"", "-", "—", "–", "/", "无", "n/a", "同上"})
_YEAR: Final = re.compile(r"^(?:19|20)\d{2}$")
_MOST_A_TABLE: Final = 12


def propose(passage: Passage) -> Iterator[Proposal]:
    """One question a cell whose row and column have names, a few a table, spread over its rows."""
    rows = [line.split(_MARK) for line in passage.text.split("\n") if _MARK in line]
    if len(rows) < 2:
        return
    header, body = [cell.strip() for cell in rows[0]], [[cell.strip() for cell in row] for row in rows[1:]]
    key = 1 if _DULL.match(header[0]) and len(header) > 2 else 0
    named = Counter(row[key].lower() for row in body if len(row) > key)
    step = max(1, len(body) // _MOST_A_TABLE)
    for number, cells in enumerate(body[::step][:_MOST_A_TABLE]):
        columns = [at for at in range(min(len(header), len(cells))) if at != key and _asks(header[at], cells[at])]
        if columns and len(cells) > key and cells[key].lower() not in _EMPTY and len(cells[key]) <= 40:
            at = columns[number % len(columns)]
            yield Proposal(
                passage,
                _question(cells[key], header[at], cells[at]),
                (cells[at],),
                "table",
                weight=1.3,
                named=(_year(cells[key]), header[at]),
                ambiguous=named[cells[key].lower()] > 1 or header.count(header[at]) > 1,
            )


def _year(row: str) -> str:
    """A year names its row, though it is a mere number."""
    return f"{row}年度" if _YEAR.match(row) else row


def _asks(name: str, value: str) -> bool:
    return 1 < len(name) <= 24 and not _DULL.match(name) and value.lower() not in _EMPTY and len(value) <= 80


def _question(row: str, column: str, value: str) -> str:
    if is_chinese(column) or is_chinese(row):
        plain = re.sub(r"[（(][^）)]*[）)]", "", column)
        asks = "谁" if plain.endswith(("人", "者")) else "多少" if value[:1].isdigit() else "什么"
        return f"{row}的{plain or column}是{asks}？"
    linked = "for" if _YEAR.match(row) else "of"
    return f"What is the {lowered(column)} {linked} {row}?"
