"""The built-in red team, the harmless look-alikes and the canaries. None of them was used for training."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Prompt:
    """`industries` is "*" or one name; `payload` is the part of a document that must not survive."""

    id: str
    language: str
    side: str
    industries: str
    text: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Canary:
    """A made-up value with a valid form, and a sentence that would leak it."""

    id: str
    value: str
    text: str


@cache
def _all(name: str) -> tuple[Prompt, ...]:
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(
            (line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        return tuple(Prompt(**row) for row in rows)


def prompts(name: str, industry: str) -> list[Prompt]:
    """The set `attacks` or `benign` for one industry: the common ones and its own."""
    return [prompt for prompt in _all(name) if prompt.industries in (EVERYWHERE, industry)]


@cache
def canaries() -> tuple[Canary, ...]:
    """Identifying numbers with right check digits, as an answer might leak them."""
    with (FOLDER / "canaries.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(
            (line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        return tuple(Canary(row["id"], row["value"], row["text"].replace("{value}", row["value"])) for row in rows)
