"""Which files are versions of one document: 「护士条例(2020-03-27).md」 is the 护士条例 that took effect on that day.

Only normative documents are read so. A dated report or record stands alone: yesterday's is not superseded by today's.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

_DATED = re.compile(
    r"^(?P<name>.*?(?:法|条例|规定|办法|规程|规章|制度|细则|标准|规范|指南|手册|章程|预案|准则|须知"
    r"|polic(?:y|ies)|regulations?|rules?|guidelines?|manual|handbook|procedures?|standards?|code))"
    r"\s*[(（\[](?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})[)）\]]$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The document's name inside its collection, and the day from which this file is in force, where the name says
    it."""

    name: str
    effective_from: date | None


def identify(file_name: str) -> Identity:
    """Reads a file name (a relative path is fine)."""
    path = PurePosixPath(file_name)
    match = _DATED.match(path.stem)
    if not match:
        return Identity(file_name, None)
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return Identity(file_name, None)
    return Identity(path.with_name(match["name"].strip() + path.suffix).as_posix(), day)


def display_name(document_name: str, title: str) -> str:
    """What a reader calls the document: its short name where the long title contains it, else its title."""
    stem = PurePosixPath(document_name).stem
    return stem if not title or stem in title else title
