"""Carries doorbells from the outbox to the broker: ``python -m workers.relay``.

Woken by PostgreSQL's NOTIFY, and every ``RELAY_SECONDS`` anyway. With the broker or the database down it waits and
goes on.
"""

import logging
import signal
import threading
from types import FrameType

import django
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections

from workers.bell import BrokerDown, depth, fail_fast, forget_connections, ring

logger = logging.getLogger("liaoyuan.relay")


class Relay:
    """The loop. ``stop`` may be called from a signal handler."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def stop(self, _sign: int = 0, _frame: FrameType | None = None) -> None:
        self._ended.set()

    def run(self) -> None:
        """Until stopped."""
        while not self._ended.is_set():
            try:
                self._listen()
                self._serve()
            except DatabaseFault as fault:
                logger.warning("the database is away: %s", fault)
                connections.close_all()
                self._ended.wait(settings.RELAY_SECONDS)

    def _listen(self) -> None:
        from liaoyuan.pipeline.events import RELAY_CHANNEL

        with connections["system"].cursor() as cursor:
            cursor.execute(f"LISTEN {RELAY_CHANNEL}")

    def _serve(self) -> None:
        from liaoyuan.pipeline.services import doorbells_ring

        while not self._ended.is_set():
            try:
                doorbells_ring(ring=ring, depth=depth)
            except BrokerDown as fault:
                logger.warning("the broker is down, doorbells stay in the outbox: %s", fault)
                forget_connections()
            self._wait()

    def _wait(self) -> None:
        """Until a notice comes, or the poll is due."""
        system = connections["system"]
        with system.wrap_database_errors:
            for _ in system.connection.notifies(timeout=settings.RELAY_SECONDS, stop_after=1):
                return


def main() -> None:
    django.setup()
    fail_fast()
    relay = Relay()
    signal.signal(signal.SIGTERM, relay.stop)
    signal.signal(signal.SIGINT, relay.stop)
    logger.info("relay starts")
    relay.run()
    logger.info("relay stops")


if __name__ == "__main__":
    main()
