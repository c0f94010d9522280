"""A listing becomes rows, some hundred at a time: what is new or changed waits to be read, who may read is kept up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.services.regrouping import documents_regroup
from liaoyuan.knowledge.sources.connector import Entry
from liaoyuan.knowledge.sources.models import ItemState, Source, SourceItem

BATCH: Final = 500
_CHANGED: Final = [
    "marker", "size", "modified", "etag", "groups", "owners", "state", "error", "seen", "sha256", "versions",
]  # fmt: skip


@dataclass(slots=True)
class Listed:
    """What one batch brought."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    regrouped: int = 0


def batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, BATCH)):
        yield batch


def batch_store(source: Source, generation: int, batch: Sequence[Entry]) -> Listed:
    """Write what was seen, inside the tenant context; the same batch again changes nothing."""
    told = Listed()
    for entry in batch:
        if entry.folder:
            below = SourceItem.objects.filter(source=source, key__startswith=f"{entry.key}/")
            below.exclude(state=ItemState.GONE).update(seen=generation)
    entries = {entry.key: entry for entry in batch if not entry.folder}
    known = {item.key: item for item in SourceItem.objects.filter(source=source, key__in=entries)}
    new = [_new(source, generation, entry) for key, entry in entries.items() if key not in known]
    SourceItem.objects.bulk_create(new, ignore_conflicts=True)
    told.new = sum(item.state == ItemState.PENDING for item in new)
    told.skipped = len(new) - told.new
    for key, item in known.items():
        _seen(source, generation, item, entries[key], told)
    SourceItem.objects.bulk_update(known.values(), _CHANGED)
    return told


def _new(source: Source, generation: int, entry: Entry) -> SourceItem:
    return SourceItem(
        organization_id=source.organization_id,
        source=source,
        key=entry.key,
        size=entry.size,
        modified=entry.modified,
        groups=groups_for(source, entry.key, entry.owners),
        owners=list(entry.owners),
        state=ItemState.SKIPPED if entry.error else ItemState.PENDING,
        error=told_error(entry.error),
        seen=generation,
    )


def _seen(source: Source, generation: int, item: SourceItem, entry: Entry, told: Listed) -> None:
    # Seen by an attempt of this very run that was killed: counted then, in the transaction that wrote it.
    again = item.seen == generation
    item.seen, item.owners = generation, list(entry.owners)
    groups = groups_for(source, entry.key, entry.owners)
    if groups != item.groups:
        item.groups = groups
        if item.documents:
            told.regrouped += documents_regroup(document_ids=item.documents, groups=groups)
    if item.state == ItemState.GONE:
        # It ended and is back: that is news, even with the same bytes.
        item.sha256, item.etag, item.versions = "", "", []
    if entry.error is not None:
        item.state, item.error = ItemState.SKIPPED, told_error(entry.error)
        told.skipped += not again
    elif item.state == ItemState.PENDING or needs_reading(item, entry):
        # The marker is kept as it was until the content was read: whoever goes on later sees that it was not.
        item.state, item.size = ItemState.PENDING, entry.size
        told.changed += not again
    else:
        told.unchanged += not again


def needs_reading(item: SourceItem, entry: Entry) -> bool:
    """Whether the content may be another than what was read. Without a marker only asking can tell."""
    return not entry.marker or entry.marker != item.marker or item.state in {ItemState.GONE, ItemState.SKIPPED}


def groups_for(source: Source, key: str, owners: Sequence[str]) -> list[str]:
    """Who may read an item: its owner group after the table, else its folder's groups, else the source's."""
    if owners:
        return sorted(owners)
    best: dict[str, Any] = {}
    for rule in source.group_map:
        folder = rule["folder"]
        inside = not folder or key == folder or key.startswith(f"{folder}/")
        if inside and len(folder) >= len(best.get("folder", "")):
            best = rule
    return sorted(best["groups"] if best else source.groups)


def told_error(error: LiaoyuanError | None) -> dict[str, Any]:
    if error is None:
        return {}
    return {
        "code": error.code, "zh": error.sentence("zh"), "en": error.sentence("en"), "retryable": error.retryable,
    }  # fmt: skip
