"""The Celery application of the workers: the platform's client, with the tasks, the schedule and the sign of life.

:mod:`workers.commands` has the command lines.
"""

from typing import Final

from kombu import Exchange, Queue

from liaoyuan.broker import ANCHOR, CANARY, QUEUES, ROLLUP, SOURCES, TIDY, client
from workers import acks
from workers.life import SignOfLife
from workers.watch import EndsWhenStuck

ROLLUP_SECONDS: Final = 300.0
CANARY_SECONDS: Final = 60.0
ANCHOR_SECONDS: Final = 3600.0
SOURCES_SECONDS: Final = 60.0
TIDY_SECONDS: Final = 3600.0
# A child is replaced after a task that left it above this (KiB): libraries that leak cannot eat the machine.
LARGEST_CHILD_KIB: Final = 1_500_000

acks.install()
app = client
app.conf.update(
    include=["workers.tasks"],
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    worker_max_memory_per_child=LARGEST_CHILD_KIB,
    worker_send_task_events=False,
    # Nobody is asked anything through the broker: the ledger knows.
    worker_enable_remote_control=False,
    broker_heartbeat=0,
    beat_schedule={
        "rollup": {
            "task": ROLLUP,
            "schedule": ROLLUP_SECONDS,
            "options": {"queue": "light", "expires": ROLLUP_SECONDS},
        },
        "anchor": {
            "task": ANCHOR,
            "schedule": ANCHOR_SECONDS,
            "options": {"queue": "light", "expires": ANCHOR_SECONDS},
        },
        "sources": {
            "task": SOURCES,
            "schedule": SOURCES_SECONDS,
            "options": {"queue": "light", "expires": SOURCES_SECONDS},
        },
        "tidy": {
            "task": TIDY,
            "schedule": TIDY_SECONDS,
            "options": {"queue": "light", "expires": TIDY_SECONDS},
        },
        # One through each worker's queues: health looks at the first, each worker's watch lives on its own.
        **{
            f"canary-{queue}": {
                "task": CANARY,
                "schedule": CANARY_SECONDS,
                "args": [queue],
                "options": {"queue": queue, "expires": CANARY_SECONDS},
            }
            for queue in ("light", "train")
        },
    },
)
app.steps["worker"].add(SignOfLife)
app.steps["worker"].add(EndsWhenStuck)
