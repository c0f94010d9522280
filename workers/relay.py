"""Carries doorbells from the outbox to the broker: ``python -m workers.relay``.

Woken by PostgreSQL's NOTIFY, and every ``RELAY_SECONDS`` anyway. With the broker or the database down it waits and
goes on.
"""

import logging
import signal
import socket
import threading
import time
from types import FrameType

import django
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections

from liaoyuan.broker import BrokerDown
from workers.bell import Bell

logger = logging.getLogger("liaoyuan.relay")
BEAT_SECONDS = 10.0


class Relay:
    """The loop. ``stop`` may be called from a signal handler."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._fault: type[Exception] | None = None
        self._told = float("-inf")

    def stop(self, _sign: int = 0, _frame: FrameType | None = None) -> None:
        self._ended.set()

    def run(self) -> None:
        """Until stopped."""
        while not self._ended.is_set():
            try:
                self._listen()
                self._serve()
            except (DatabaseFault, BrokerDown) as fault:
                self._say(fault)
                connections.close_all()
                self._ended.wait(settings.RELAY_SECONDS)

    def _listen(self) -> None:
        from liaoyuan.pipeline.events import RELAY_CHANNEL

        with connections["system"].cursor() as cursor:
            cursor.execute(f"LISTEN {RELAY_CHANNEL}")

    def _serve(self) -> None:
        from liaoyuan.pipeline.services import doorbells_ring, worker_beat

        with Bell() as bell:
            self._say(None)
            while not self._ended.is_set():
                if time.monotonic() - self._told > BEAT_SECONDS:
                    worker_beat(name=f"relay@{socket.gethostname()}", queues=[], slots=0)
                    self._told = time.monotonic()
                doorbells_ring(ring=bell.ring, depth=bell.depth)
                self._wait()

    def _say(self, fault: Exception | None) -> None:
        """Once when something goes down and once when all is well again, not every round."""
        if fault is not None and self._fault is not type(fault):
            logger.warning("doorbells stay in the outbox: %s", fault)
        if fault is None and self._fault is not None:
            logger.warning("the relay rings again")
        self._fault = None if fault is None else type(fault)

    def _wait(self) -> None:
        """Until a notice comes, or the poll is due."""
        system = connections["system"]
        with system.wrap_database_errors:
            for _ in system.connection.notifies(timeout=settings.RELAY_SECONDS, stop_after=1):
                return


def main() -> None:
    django.setup()
    relay = Relay()
    signal.signal(signal.SIGTERM, relay.stop)
    signal.signal(signal.SIGINT, relay.stop)
    logger.info("relay starts")
    relay.run()
    logger.info("relay stops")


if __name__ == "__main__":
    main()
