"""What a synchronization would change, told before anything is: the listing compared with what is known."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from liaoyuan.accounts.tenancy import Tenant, tenant_context
from liaoyuan.knowledge.sources.connector import Connector, Entry
from liaoyuan.knowledge.sources.listing import BATCH, groups_for, needs_reading
from liaoyuan.knowledge.sources.models import ItemState, Source, SourceItem
from liaoyuan.knowledge.sources.syncing import doubtful

_SECONDS: Final = 15.0
_MOST: Final = 20_000
_NAMED: Final = 20


@dataclass
class Preview:
    """Counts and the first names of each kind. ``whole`` False: the listing was too long to look at all of it here, so
    that nothing is said of what is gone."""

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    whole: bool = True
    needs_confirmation: bool = False

    def add(self, kind: str, key: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        named = self.names.setdefault(kind, [])
        if len(named) < _NAMED:
            named.append(key)


def source_preview(tenant: Tenant, source: Source, connector: Connector) -> Preview:
    """List outside of any transaction, look up in short ones. Raises what the source raises."""
    told, seen, entries = Preview(), 0, connector.entries()
    keys: set[str] = set()
    ends = time.monotonic() + _SECONDS
    while batch := list(islice(entries, BATCH)):
        with tenant_context(tenant.organization_id, tenant.user_id):
            _compare(told, source, batch)
        keys.update(entry.key for entry in batch)
        seen += len(batch)
        if seen >= _MOST or time.monotonic() > ends:
            told.whole = False
            return told
    folders = tuple(f"{entry}/" for entry in told.names.get("closed", ()))
    with tenant_context(tenant.organization_id, tenant.user_id):
        known = SourceItem.objects.filter(source=source).exclude(state=ItemState.GONE)
        total = 0
        for key in known.values_list("key", flat=True).iterator(chunk_size=2000):
            total += 1
            if key not in keys and not key.startswith(folders or ("\x00",)):
                told.add("gone", key)
    told.needs_confirmation = doubtful(total, told.counts.get("gone", 0))
    return told


def _compare(told: Preview, source: Source, batch: Sequence[Entry]) -> None:
    known = {
        item.key: item for item in SourceItem.objects.filter(source=source, key__in=[entry.key for entry in batch])
    }
    for entry in batch:
        item = known.get(entry.key)
        if entry.folder:
            told.add("closed", entry.key)
        elif entry.error is not None:
            told.add("skipped", entry.key)
        elif item is None:
            told.add("new", entry.key)
        elif needs_reading(item, entry):
            told.add("asked" if not entry.marker else "changed", entry.key)
        else:
            told.add("unchanged", entry.key)
        if item is not None and groups_for(source, entry.key, entry.owners) != item.groups:
            told.add("regrouped", entry.key)
