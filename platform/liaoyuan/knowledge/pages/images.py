"""Pictures of pages: drawn once in the confinement of the parser, kept beside the version, gone with its erasure."""

import tempfile
from math import sqrt
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.pages.errors import PagesBusy
from liaoyuan.knowledge.parse.blocks import PageInfo
from liaoyuan.knowledge.parse.limits import MIB, Limits
from liaoyuan.knowledge.parse.pages import render_page
from liaoyuan.knowledge.selectors import parsed_document
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.pipeline.storage import storage, storage_key

PDF: Final = "application/pdf"
PICTURES: Final = "image/"
RESOLUTIONS: Final = (96, 144, 192)
_POINTS_PER_INCH = 72.0
# An A4 page at 192 dpi has 3.6 million pixels; a poster is drawn coarser instead of not at all.
_PIXELS = 12_000_000
# A picture was measured when it came in, and is scaled down only after it is unpacked: its own bound stays.
_LIMITS = Limits(file_bytes=256 * MIB, seconds=20.0, cpu_seconds=20, memory_mb=1536)
# Each drawing is a process of its own, so that no document ever shares memory with another tenant's.
_AT_ONCE = BoundedSemaphore(2)
_PATIENCE_SECONDS = 15.0


def drawable(version: DocumentVersion) -> bool:
    """Whether the version's pages have pictures; other formats are shown as their blocks."""
    return version.media_type == PDF or version.media_type.startswith(PICTURES)


def picture_tag(version: DocumentVersion, page: int, dpi: int) -> str:
    """The entity tag of one picture: a version's bytes never change."""
    return f'"{version.sha256[:32]}-{page}-{dpi}"'


def page_picture(version: DocumentVersion, page: int, dpi: int) -> bytes:
    """Page ``page`` (from 1) as PNG; ``dpi`` is one of RESOLUTIONS. No database is needed.

    Raises NotFound for a page or format without a picture, PagesBusy, ParseRejected for what cannot be drawn.
    """
    if not drawable(version) or dpi not in RESOLUTIONS or not 1 <= page <= version.pages:
        raise NotFound
    name = f"{version.sha256[:32]}-{page}-{dpi}.png"
    key = storage_key(version.organization_id, DOCUMENTS, version.id, "pages", name)
    if storage().exists(key):
        return storage().open_path(key).read_bytes()
    info = parsed_document(version).pages[page - 1]
    if info.width <= 0 or info.height <= 0:
        raise NotFound
    picture = _draw(version, page, _scale(info, dpi))
    _keep(version, key, picture)
    return picture


def _scale(info: PageInfo, dpi: int) -> float:
    """Pixels per point, less where the page is so large that ``dpi`` would pass the cap."""
    return min(dpi / _POINTS_PER_INCH, sqrt(_PIXELS / (info.width * info.height)))


def _draw(version: DocumentVersion, page: int, scale: float) -> bytes:
    if not _AT_ONCE.acquire(timeout=_PATIENCE_SECONDS):
        raise PagesBusy
    try:
        return render_page(storage().open_path(version.source_key), page, scale, limits=_LIMITS)
    finally:
        _AT_ONCE.release()


def _keep(version: DocumentVersion, key: str, picture: bytes) -> None:
    """Not where the version was erased while its page was being drawn: nothing of it may come back."""
    if not storage().exists(version.source_key):
        return
    with tempfile.TemporaryDirectory(prefix="liaoyuan-page-") as folder:
        path = Path(folder) / "page.png"
        path.write_bytes(picture)
        storage().put(key, path)
