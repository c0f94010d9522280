"""Passages for tests."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from liaoyuan.data.schemas import Outcome, Passage

_numbers = count()


def passage(text: str, *, document: str = "d1", language: str = "zh", page: int | None = None, **more: Any) -> Passage:
    """One paragraph of the document version ``document``, whose title is the same."""
    identifier = f"{document}:{next(_numbers)}"
    return Passage(identifier, document, document, text, language, page=page, **more)


def texts(outcome: Outcome) -> list[str]:
    return [item.text for item in outcome.items]


def reasons(outcome: Outcome) -> Sequence[tuple[str, str]]:
    """What was dropped: the beginning of the text, and why."""
    return [(drop.text, drop.reason) for drop in outcome.drops]
