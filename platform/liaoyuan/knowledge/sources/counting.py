"""What a synchronization did so far, written in the transaction that did it: a killed one forgets nothing and counts
nothing twice."""

from collections import Counter
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from liaoyuan.knowledge.sources.models import Source

# Beside the counts of the last whole run; taken away when the one that is under way ends.
GOING: Final = "going"
# Which run that was.
ENDED: Final = "ended"


def counts_add(source_id: UUID, run_id: UUID, more: Mapping[str, int]) -> None:
    """Count, inside the caller's transaction, what is written in it."""
    if not any(more.values()):
        return
    row = Source.objects.select_for_update().only("id", "counts").get(id=source_id)
    counts = Counter(counts_going(row, run_id))
    counts.update({name: count for name, count in more.items() if count})
    row.counts = {**row.counts, GOING: {"run": str(run_id), "counts": dict(counts)}}
    row.save(update_fields=["counts"])


def counts_going(source: Source, run_id: UUID) -> dict[str, int]:
    """What the run counted so far, in whichever attempt."""
    going = source.counts.get(GOING, {})
    return dict(going["counts"]) if going.get("run") == str(run_id) else {}


def counts_shown(source: Source) -> dict[str, int]:
    """The counts of the last run that ended."""
    return {name: count for name, count in source.counts.items() if name not in {GOING, ENDED}}


def counts_closed(counts: Mapping[str, int], run_id: UUID) -> dict[str, object]:
    """As they are kept once ``run_id`` has ended."""
    return {**counts, ENDED: str(run_id)}


def closed_by(source: Source, run_id: UUID) -> bool:
    """Whether the run ended already, though the worker died before it could say so."""
    return bool(source.counts.get(ENDED) == str(run_id))
