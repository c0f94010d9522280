"""A worker's sign of life in the ledger, written by its parent process."""

import logging
from typing import Any, Final

from celery import bootsteps
from django.db import Error as DatabaseFault
from django.db import connections

logger = logging.getLogger(__name__)
BEAT_SECONDS: Final = 10.0


class SignOfLife(bootsteps.StartStopStep):
    """Beats while the worker lives, says good-bye when it stops in good order."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        beat(worker)
        self._timer = worker.timer.call_repeatedly(BEAT_SECONDS, beat, (worker,), priority=10)

    def stop(self, worker: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        gone(worker)


def beat(worker: Any) -> None:
    """One sign of life. A database that is away is logged: the next beat comes anyway."""
    # Celery loads Django after it has read this module.
    from liaoyuan.pipeline.services import worker_beat

    try:
        worker_beat(name=worker.hostname, queues=worker.app.amqp.queues.consume_from, slots=worker.concurrency)
    except DatabaseFault:
        logger.warning("the ledger took no sign of life", exc_info=True)
    finally:
        # Children are forked from this process and must not inherit an open connection.
        connections.close_all()


def gone(worker: Any) -> None:
    """The last one."""
    from liaoyuan.pipeline.services import worker_gone

    try:
        worker_gone(name=worker.hostname)
    except DatabaseFault:
        logger.warning("the ledger was not told that the worker stops", exc_info=True)
    finally:
        connections.close_all()
