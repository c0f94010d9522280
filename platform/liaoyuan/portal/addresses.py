"""What an address carries, read: identifiers and small numbers."""

from uuid import UUID

from liaoyuan.errors import NotFound


def uuid_of(text: str | None) -> UUID | None:
    """The identifier; None where there is none. Raises NotFound for what is none."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


def number_of(text: str) -> int | None:
    """A whole number as an address writes it; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
