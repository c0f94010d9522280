"""Returns the runs of lost workers: ``python -m workers.reaper``.

Any number may run; an advisory lock lets one work.
"""

import logging
import signal
import socket
import threading
from types import FrameType

import django
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections

logger = logging.getLogger("liaoyuan.reaper")


def main() -> None:
    django.setup()
    stopping = threading.Event()

    def stop(_sign: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    logger.info("reaper starts")
    while not stopping.is_set():
        reap_once()
        stopping.wait(settings.REAPER_SECONDS)
    logger.info("reaper stops")


def reap_once() -> None:
    """One round; a database that is away is logged, the next round comes."""
    from liaoyuan.pipeline.services import runs_reap, worker_beat

    try:
        worker_beat(name=f"reaper@{socket.gethostname()}", queues=[], slots=0)
        counts = runs_reap()
    except DatabaseFault as fault:
        logger.warning("the database is away: %s", fault)
        connections.close_all()
        return
    if counts:
        logger.info("reaped: %s", counts)


if __name__ == "__main__":
    main()
