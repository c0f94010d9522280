"""By which rules a document was read and cut, so that one which today's rules would read better can be told.

Each kind of file has a number, and cutting has one. A version carries the numbers that it was read and cut by; 0 says
that it was before there were numbers. Who makes the reader of a kind, or the cutting, give something else for a file
that it read before raises its number; a test over sample files asks for it.
"""

from typing import Final

from django.db.models import Q

from liaoyuan.knowledge.models import DocumentVersion, VersionState
from liaoyuan.knowledge.parse.kinds import MEDIA_TYPES

# Read otherwise than at first: since the number was raised.
_SECOND: Final = ("docx", "pptx", "html", "markdown", "text", "csv", "eml", "msg", "rtf", "epub", "odt", "odp")
READING: Final = dict.fromkeys(MEDIA_TYPES, 1) | dict.fromkeys(_SECOND, 2) | {"pdf": 3, "xlsx": 3}
CUTTING: Final = 1
_KINDS: Final = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}


def reading_rules(media_type: str) -> int:
    """The number that a file of this type is read by today."""
    return READING.get(_KINDS.get(media_type, ""), 1)


def read_by_older(version: DocumentVersion) -> bool:
    """Whether the reading that the version has now would be another today."""
    return bool(version.blocks_key) and version.parser < reading_rules(version.media_type)


def outdated(version: DocumentVersion) -> bool:
    """Whether it stands in the index as older rules read or cut it."""
    indexed = version.indexed_at is not None and version.state != VersionState.REJECTED
    return indexed and (read_by_older(version) or version.chunker < CUTTING)


def are_outdated() -> Q:
    """The condition of :func:`outdated` on versions."""
    indexed = Q(indexed_at__isnull=False) & ~Q(blocks_key="") & ~Q(state=VersionState.REJECTED)
    return indexed & older_than_today("", "media_type")


def older_than_today(prefix: str, media_type: str) -> Q:
    """The condition on rows whose columns ``{prefix}parser`` and ``{prefix}chunker`` are behind today's rules."""
    usual = min(READING.values())
    found = Q(**{f"{prefix}chunker__lt": CUTTING}) | Q(**{f"{prefix}parser__lt": usual})
    for number in sorted(set(READING.values()) - {usual}):
        types = [MEDIA_TYPES[kind] for kind, each in READING.items() if each == number]
        found |= Q(**{f"{media_type}__in": types, f"{prefix}parser__lt": number})
    return found
