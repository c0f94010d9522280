"""Pages by their addresses, each fetched by itself: nothing that a page refers to is loaded."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from liaoyuan.knowledge.sources.connector import Entry, Fetched, Known, byte_limit, write_bounded
from liaoyuan.knowledge.sources.fetching import Answer, page_open
from liaoyuan.knowledge.sources.settings import WebSettings

_LARGEST = 20 << 20


class Web:
    """A list of pages. A listing asks nobody: whether a page changed is known when it is asked for."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings

    def document_name(self, key: str) -> str:
        return key

    def entries(self) -> Iterator[Entry]:
        """Every page, to be asked for each time (the server says by ETag that nothing changed)."""
        for url in self._settings.urls:
            yield Entry(url, marker="")

    def fetch(self, key: str, known: Known, folder: Path) -> Fetched:
        """One page, unless the server says that it is the one we have."""
        with closing(page_open(key, headers=_conditions(known), limit=_limit())) as answers:
            answer = next(answers)
            if answer.status == 304:
                return Fetched(None, known.sha256, etag=known.etag, modified=known.modified)
            target = folder / f"content{answer.suffix}"
            sha256, size = write_bounded(answer.blocks, target, _limit())
        return Fetched(target, sha256, size, "", answer.headers.get("etag", "")[:300], _modified(answer))


def _limit() -> int:
    return min(_LARGEST, byte_limit())


def _conditions(known: Known) -> dict[str, str]:
    if known.etag:
        return {"If-None-Match": known.etag}
    if known.modified:
        return {"If-Modified-Since": format_datetime(known.modified.astimezone(UTC), usegmt=True)}
    return {}


def _modified(answer: Answer) -> datetime | None:
    try:
        found = parsedate_to_datetime(answer.headers.get("last-modified", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
