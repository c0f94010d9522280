"""A worker that no longer takes what lies in its queues ends itself, so that its supervisor starts it anew.

Celery's consumer can lose its place at the broker without an error (a half-open connection, a loop that hangs): the
process just sits there and its queues fill. The canary, which flies through each worker's queue every minute,
makes sure that there is something to take.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from celery import bootsteps
from celery.worker import state as work
from django.conf import settings

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 10.0
# The supervisor's log shows it: EX_TEMPFAIL of sysexits.h, "try again".
EXIT_STUCK: Final = 75
SHORT: Final = {"socket_timeout": 2, "socket_connect_timeout": 2}


class Watch:
    """Decides whether a worker is stuck; pure, so that time and broker can be played."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._taken: int | None = None
        self._since: float | None = None

    def stuck(self, now: float, *, taken: int, free: bool, lying: int | None) -> bool:
        """Whether messages lay there for the whole patience while a slot was free and none was taken.

        ``taken`` counts messages since the start; ``lying`` None: the broker does not answer, which is nobody's stall.
        """
        if taken != self._taken or not free or not lying:
            self._taken, self._since = taken, None
            return False
        self._since = now if self._since is None else self._since
        return now - self._since >= self._patience


class EndsWhenStuck(bootsteps.StartStopStep):
    """A thread of the worker's parent process: the loop that may hang cannot watch itself."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._ended = threading.Event()

    def start(self, worker: Any) -> None:
        threading.Thread(target=self._look, args=(worker,), name="watch", daemon=True).start()

    def stop(self, worker: Any) -> None:
        self._ended.set()

    def _look(self, worker: Any) -> None:
        patience = settings.WORKER_STUCK_SECONDS
        watch, pause = Watch(patience=patience), min(LOOK_SECONDS, patience / 4)
        while not self._ended.wait(pause):
            free = len(work.active_requests) < worker.concurrency
            names = [queue.name for queue in worker.app.amqp.queues.consume_from.values()]
            lying = depth(worker.app, names) if free else None
            if watch.stuck(time.monotonic(), taken=sum(work.total_count.values()), free=free, lying=lying):
                give_up(patience)


def depth(app: Any, names: list[str]) -> int | None:
    """Messages that lie in the queues, asked on a connection of its own; None while the broker does not answer."""
    try:
        with app.connection_for_read(
            transport_options={"socket_timeout": 2, "socket_connect_timeout": 2}
        ) as connection:
            return int(sum(connection.default_channel.client.llen(name) for name in names))
    except Exception as fault:  # noqa: BLE001 - whatever the transport raises: the broker is not there
        logger.debug("the broker did not tell its queues' length: %s", fault)
        return None


def give_up(patience: float, leave: Callable[[int], Any] = os._exit) -> None:
    """End this process at once: what hangs does not end in good order. Its runs return when their lease is over."""
    logger.error("messages lie in the queues, none was taken for %.0f s: this worker ends to be started anew", patience)
    leave(EXIT_STUCK)
