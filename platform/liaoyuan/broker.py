"""The Celery client and the names of the messages.

``workers.app`` adds the tasks to this client. A message is only a doorbell: it carries a row's id, and the row is the
truth.
"""

from typing import Any, Final, TypeAlias

from celery import Celery
from kombu.exceptions import OperationalError

RUN_STAGE: Final = "liaoyuan.run_stage"
REAP: Final = "liaoyuan.reap"
RELAY: Final = "liaoyuan.relay"
ROLLUP: Final = "liaoyuan.rollup"
CANARY: Final = "liaoyuan.canary"
ANCHOR: Final = "liaoyuan.anchor"
SOURCES: Final = "liaoyuan.sources"
TIDY: Final = "liaoyuan.tidy"
MESSAGES: Final = frozenset({RUN_STAGE, REAP, RELAY, ROLLUP, CANARY, ANCHOR, SOURCES, TIDY})

QUEUES: Final = ("light", "ingest", "train", "evaluate", "serve")

BrokerDown: TypeAlias = OperationalError

client = Celery("liaoyuan")
client.config_from_object("django.conf:settings", namespace="CELERY")


def ring(*, run_id: str, queue: str, producer: Any = None) -> None:
    """Publish the doorbell of one run (through ``producer`` if given). Raises BrokerDown."""
    client.send_task(RUN_STAGE, args=[run_id], queue=queue, ignore_result=True, retry=False, producer=producer)
