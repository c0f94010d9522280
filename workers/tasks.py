"""What each message does: load nothing, call one service. Celery loads Django before it imports this module."""

import os
import socket
from collections.abc import Callable
from typing import ParamSpec
from uuid import UUID

from liaoyuan.accounts.anchors import anchors_write_all
from liaoyuan.broker import ANCHOR, CANARY, REAP, RELAY, ROLLUP, RUN_STAGE, SOURCES, TIDY, client
from liaoyuan.knowledge.sources.services import sources_start_due
from liaoyuan.knowledge.tidying import knowledge_tidy
from liaoyuan.operations.services import rollup_all
from liaoyuan.pipeline.services import doorbells_ring, runs_reap, stage_run_execute, worker_beat
from workers.bell import Bell

P = ParamSpec("P")


def task(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Celery's decorator under one of the broker's message names."""
    found: Callable[[Callable[P, None]], Callable[P, None]] = client.task(name=name, ignore_result=True)
    return found


@task(RUN_STAGE)
def execute_stage(run_id: str) -> None:
    """The doorbell of one run. Rung twice it finds nothing to claim and ends."""
    stage_run_execute(run_id=UUID(run_id), worker=f"{socket.gethostname()}:{os.getpid()}")


@task(REAP)
def reap() -> None:
    """One round of the reaper, for installations that run no reaper process."""
    runs_reap()


@task(RELAY)
def relay() -> None:
    """One round of the relay, likewise."""
    with Bell() as bell:
        doorbells_ring(ring=bell.ring, depth=bell.depth)


@task(ROLLUP)
def rollup() -> None:
    """Sum up every organization's traces of today and yesterday."""
    rollup_all()


@task(ANCHOR)
def anchor() -> None:
    """Note the head of every audit chain outside of the database."""
    anchors_write_all()


@task(SOURCES)
def sources() -> None:
    """Start the synchronizations that are due."""
    sources_start_due()


@task(TIDY)
def tidy() -> None:
    """Free generations of search indexes that nobody went back to, and what killed workers left in storage."""
    knowledge_tidy()


@task(CANARY)
def canary(queue: str = "light") -> None:
    """Proof that a message gets from beat through the broker into a child: health checks look at its age."""
    worker_beat(name="canary" if queue == "light" else f"canary-{queue}", queues=[], slots=0)
