"""The relay's work: ring for queued runs, fairly between organizations, and again where a doorbell was lost.

Only a few doorbells per queue are out at once; the rest wait in the outbox, where the next one can be chosen well.
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.broker import QUEUES as QUEUES
from liaoyuan.broker import BrokerDown
from liaoyuan.pipeline.events import from_now
from liaoyuan.pipeline.models import Outbox, RunState

logger = logging.getLogger(__name__)
OUTSTANDING = 8
# A queue that is empty while a doorbell is out this many relay rounds lost it; a queue that is not may just be long.
LOST_ROUNDS = 15
LOST_ANYWAY_ROUNDS = 300

Ring = Callable[[str, str], None]
Depth = Callable[[str], int]

# Each organization that has doorbells waiting is looked up in the index, and of each only as many as there is room
# for: ten thousand that one organization has waiting are not read again for every one that is rung.
NEXT = """
WITH RECURSIVE waiting AS (
    (SELECT organization_id FROM pipeline_outbox
     WHERE queue = %(queue)s AND published_at IS NULL ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT (SELECT o.organization_id FROM pipeline_outbox o
            WHERE o.queue = %(queue)s AND o.published_at IS NULL AND o.organization_id > w.organization_id
            ORDER BY o.organization_id LIMIT 1)
    FROM waiting w WHERE w.organization_id IS NOT NULL
), load AS MATERIALIZED (
    SELECT organization_id, count(*) AS n FROM (
        SELECT organization_id FROM pipeline_outbox WHERE queue = %(queue)s AND published_at IS NOT NULL
        UNION ALL
        SELECT organization_id FROM pipeline_stagerun WHERE queue = %(queue)s AND state IN ('running', 'cancelling')
    ) busy GROUP BY organization_id
)
SELECT pending.id FROM waiting w
JOIN accounts_organization g ON g.id = w.organization_id AND g.suspended_at IS NULL
LEFT JOIN load l ON l.organization_id = w.organization_id
CROSS JOIN LATERAL (
    SELECT oldest.*, row_number() OVER (ORDER BY oldest.created_at, oldest.id) AS turn FROM (
        SELECT o.id, o.created_at FROM pipeline_outbox o JOIN pipeline_stagerun r ON r.id = o.run_id
        WHERE o.queue = %(queue)s AND o.published_at IS NULL AND o.organization_id = w.organization_id
          AND r.state = 'queued' AND (r.not_before IS NULL OR r.not_before <= now())
        ORDER BY o.created_at, o.id LIMIT %(room)s
    ) oldest
) pending
ORDER BY coalesce(l.n, 0) + pending.turn, pending.created_at, pending.id LIMIT %(room)s
"""


def doorbells_ring(*, ring: Ring, depth: Depth) -> int:
    """Publish what is due in every queue; how many were rung. Raises BrokerDown as ``ring`` and ``depth`` do.

    ``ring(run_id, queue)`` publishes, ``depth(queue)`` counts the messages that the broker holds.
    """
    with system_context("relay") as alias:
        _forget_settled(alias)
    return sum(_ring_queue(queue, ring, depth) for queue in QUEUES)


def _ring_queue(queue: str, ring: Ring, depth: Depth) -> int:
    fault: BrokerDown | None = None
    rung: list[UUID] = []
    with system_context("relay") as alias:
        _forget_lost(queue, depth, alias)
        out = Outbox.objects.using(alias).filter(queue=queue, published_at__isnull=False).count()
        chosen = _choose(queue, OUTSTANDING - out, alias)
        try:
            for doorbell in chosen:
                ring(str(doorbell.run_id), queue)
                rung.append(doorbell.id)
        except BrokerDown as error:
            fault = error
        Outbox.objects.using(alias).filter(id__in=rung).update(published_at=Now())
    if fault is not None:
        # Only now: what was rung before the broker went away was rung, and the transaction above says so.
        raise fault
    return len(rung)


def _choose(queue: str, room: int, alias: str) -> Sequence[Outbox]:
    """The next doorbells: fewest outstanding per organization first, then the oldest."""
    if room <= 0:
        return []
    with connections[alias].cursor() as cursor:
        cursor.execute(NEXT, {"queue": queue, "room": room})
        ids = [row[0] for row in cursor.fetchall()]
    # A second relay skips what the first one holds, instead of waiting for it.
    locked = Outbox.objects.using(alias).select_for_update(skip_locked=True)
    found = {row.id: row for row in locked.filter(id__in=ids, published_at__isnull=True)}
    return [found[key] for key in ids if key in found]


def _forget_settled(alias: str) -> None:
    """A doorbell for a run that does not wait for it any more is done, whoever settled it."""
    settled = Outbox.objects.using(alias).exclude(run__state=RunState.QUEUED)
    ids = list(settled.select_for_update(skip_locked=True, of=("self",)).values_list("id", flat=True))
    Outbox.objects.using(alias).filter(id__in=ids).delete()


def _forget_lost(queue: str, depth: Depth, alias: str) -> None:
    """Doorbells that went out and were never answered may go out again (a second answer finds nothing to claim)."""
    rounds = LOST_ANYWAY_ROUNDS if depth(queue) else LOST_ROUNDS
    out = Outbox.objects.using(alias).filter(queue=queue, published_at__lt=from_now(-rounds * settings.RELAY_SECONDS))
    ids = list(out.select_for_update(skip_locked=True).values_list("id", flat=True))
    if ids:
        logger.info("queue %s: %d doorbells were not answered, rung again", queue, len(ids))
        Outbox.objects.using(alias).filter(id__in=ids).update(published_at=None)
