"""What people type as names: normalised once, so that no name can hide, mimic or turn the text around it."""

import unicodedata
from collections.abc import Iterable
from typing import Final

from liaoyuan.errors import InvalidInput

GROUP_LONGEST: Final = 64
GROUPS_MOST: Final = 50
# Categories of signs that take no place: control, format (zero-width, direction), surrogates, private, unassigned.
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def name_clean(text: str) -> str:
    """``text`` as NFC on one line: without control, zero-width and direction-turning signs, runs of space made one.

    Markup stays as typed: it is escaped where it is shown. What is only invisible becomes the empty text.
    """
    spaced = "".join(" " if sign.isspace() else sign for sign in text)
    visible = "".join(sign for sign in spaced if unicodedata.category(sign) not in INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def groups_clean(groups: Iterable[str]) -> tuple[str, ...]:
    """Group names, each cleaned, without empty ones and repetitions, in the order given.

    Raises InvalidInput for a name over 64 characters and for more than 50 groups.
    """
    found = tuple(dict.fromkeys(clean for group in groups if (clean := name_clean(group))))
    if len(found) > GROUPS_MOST or any(len(group) > GROUP_LONGEST for group in found):
        raise InvalidInput(detail=f"groups: at most {GROUPS_MOST}, each at most {GROUP_LONGEST} characters")
    return found
