"""Numbers that mean something else without their format: shares in percent, numbers that keep their leading zeros.

Rounding and thousands separators are left alone: the whole value says more, and is found by what people type.
"""

import re
from functools import lru_cache
from typing import Any

# What a format prints as it stands: quoted, escaped, in brackets (colours, conditions), or as wide as a character.
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_ZEROS = re.compile(r"0{2,}")


def cell_value(cell: Any) -> object:
    """The value of a cell of openpyxl; a number as text where its format is one of these."""
    value = cell.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    percent, zeros = _format(cell.number_format or "")
    if percent:
        return f"{value * 100:.12g}%"
    return f"{int(value):0{zeros}d}" if zeros and value >= 0 and value == int(value) else value


@lru_cache(maxsize=1024)
def _format(code: str) -> tuple[bool, int]:
    """Whether a format shows percent, and how many digits at least where it is zeros alone, else 0."""
    positive = _LITERAL.sub("", code).partition(";")[0]
    zeros = positive.strip()
    return "%" in positive, len(zeros) if _ZEROS.fullmatch(zeros) else 0
