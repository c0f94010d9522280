"""What jobs, changed rights and killed workers leave behind: generations that nobody reads any more, audiences that no
entry uses, graphs that no longer fit, files that no row knows."""

import logging
import re
import time
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from django.db import Error as DatabaseFault
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from liaoyuan.accounts.selectors import organization_ids
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.indexes import graph_ensure
from liaoyuan.knowledge.models import DocumentVersion, IndexState, SearchIndex
from liaoyuan.knowledge.services.receiving import DOCUMENTS
from liaoyuan.knowledge.shadow.freeing import generations_forget
from liaoyuan.knowledge.shadow.models import IndexEntry
from liaoyuan.pipeline.storage import storage

logger = logging.getLogger(__name__)
# A file that was just stored may get its row yet, in the same transaction.
YOUNG_SECONDS: Final = 86_400.0
# Whoever gives an entry its audience has locked the table of entries for writing before it looks for one, and keeps
# that lock to its end. Behind this one nobody is about to use a row that looks unused; whoever comes later finds none.
_UNUSED: Final = "NOT EXISTS (SELECT FROM knowledge_searchentry e WHERE e.audience = a.seat)"
_ALONE: Final = "SET LOCAL lock_timeout = '500ms'; LOCK TABLE knowledge_searchentry IN SHARE MODE"
_DRAFT: Final = re.compile(r"\..+\.\d+\.part$")


def knowledge_tidy() -> dict[str, int]:
    """Free what is over, for all tenants, and build graphs anew that no longer fit; how much. Opens contexts of its
    own; called by the schedule."""
    counts = {"generations": 0, "audiences": 0, "graphs": 0, "files": 0}
    for organization_id in organization_ids("generations, audiences and files that are over"):
        try:
            counts["generations"] += _generations(organization_id)
            counts["audiences"] += audiences_forget(organization_id)
            counts["graphs"] += graphs_fit(organization_id)
            counts["files"] += orphans_delete(organization_id)
        except DatabaseFault:
            raise
        except Exception:
            logger.exception("could not tidy up after organization %s", organization_id)
    return counts


def _generations(organization_id: UUID) -> int:
    with tenant_context(organization_id):
        collections = list(SearchIndex.objects.values_list("collection_id", flat=True).distinct())
    freed = 0
    for collection_id in collections:
        # One transaction each: freeing a large generation holds nobody else's up.
        with tenant_context(organization_id):
            freed += generations_forget(collection_id)
    return freed


def graphs_fit(organization_id: UUID) -> int:
    """Build the graphs of one tenant anew of which too much stands outside, or that lack the graph of an audience; how
    many. An import does so for what it brings; this is for documents whose rights or days were changed."""
    with tenant_context(organization_id):
        live = list(SearchIndex.objects.filter(state=IndexState.LIVE).values_list("id", flat=True))
    built = 0
    for index_id in live:
        with tenant_context(organization_id):
            built += graph_ensure(index_id, parts=True)
    return built


def audiences_forget(organization_id: UUID) -> int:
    """Remove the audiences of one tenant that no entry uses any more; how many. Where a writer is at work for longer
    than a moment nothing is removed: the next hour is soon enough."""
    try:
        with tenant_context(organization_id), connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT FROM knowledge_searchaudience a WHERE {_UNUSED})")  # noqa: S608
            if not cursor.fetchone()[0]:
                return 0
            cursor.execute(_ALONE)
            cursor.execute(f"DELETE FROM knowledge_searchaudience a WHERE {_UNUSED}")  # noqa: S608 - a constant
            return int(cursor.rowcount)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return 0
        raise


def orphans_delete(organization_id: UUID, *, younger_than: float = YOUNG_SECONDS) -> int:
    """Remove what a worker left that was killed between a file and its row: files of versions or generations that do
    not exist, and half-written ones. How many. Files younger than so many seconds may be on their way and stay."""
    latest = time.time() - younger_than
    found = [key for key in storage().list(f"{organization_id}/{DOCUMENTS}") if _older(key, latest)]
    with tenant_context(organization_id):
        orphans = list(_orphans(found))
    for key in orphans:
        storage().delete(key)
    return len(orphans)


def _older(key: str, latest: float) -> bool:
    try:
        return storage().open_path(key).stat().st_mtime < latest
    except FileNotFoundError:
        return False


def _orphans(keys: list[str]) -> Iterator[str]:
    """Keys are organization/documents/version/file, …/version/generations/index/file, or …/version/readings/id/file for
    what was read again into the index in use."""
    versions = {str(key) for key in DocumentVersion.objects.values_list("id", flat=True)}
    indexes = {str(key) for key in SearchIndex.objects.values_list("id", flat=True)}
    kept = DocumentVersion.objects.filter(blocks_key__contains="/generations/").values_list("blocks_key", flat=True)
    read = {key.rpartition("/")[0] for key in kept}
    again = {key.rpartition("/")[0] for key in _readings_kept()}
    for key in keys:
        parts = key.split("/")
        gone = parts[2] not in versions
        of_generation = len(parts) > 5 and parts[3] == "generations" and parts[4] not in indexes
        of_reading = len(parts) > 5 and parts[3] == "readings"
        folder = key.rpartition("/")[0]
        over = (of_generation and folder not in read) or (of_reading and folder not in again)
        if gone or over or _DRAFT.search(parts[-1]):
            yield key


def _readings_kept() -> set[str]:
    """Those of the versions, and those that a generation can be gone back to with."""
    rows = (DocumentVersion.objects, IndexEntry.objects)
    named = [each.filter(blocks_key__contains="/readings/").values_list("blocks_key", flat=True) for each in rows]
    return {key for keys in named for key in keys}
