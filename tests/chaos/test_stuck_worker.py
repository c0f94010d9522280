"""A worker whose consumer takes nothing any more ends itself with a status of its own; a busy or idle one does not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.chaos.house import House
from tests.engines import ROOT
from workers.watch import EXIT_STUCK, Watch

STALLED = """
import sys
import django
django.setup()
from celery import bootsteps
from workers.app import app

class Stalls(bootsteps.StartStopStep):
    requires = ("celery.worker.consumer.tasks:Tasks",)
    def start(self, consumer):
        consumer.task_consumer.cancel()
        consumer.task_consumer.consume = lambda *args, **options: None
        print("stalled", flush=True)

if "stall" in sys.argv:
    sys.argv.remove("stall")
    app.steps["consumer"].add(Stalls)
app.worker_main(sys.argv[1:])
"""


def looks(watch: Watch, *seen: tuple[float, int, bool, int | None]) -> list[bool]:
    return [watch.stuck(now, taken=taken, free=free, lying=lying) for now, taken, free, lying in seen]


@pytest.mark.parametrize(
    "seen",
    [
        [(0, 0, True, 0), (500, 0, True, 0)],
        [(0, 0, True, 5), (100, 1, True, 5), (200, 2, True, 5)],
        [(0, 0, False, 5), (500, 0, False, 5)],
        [(0, 0, True, 5), (100, 0, True, None), (250, 0, True, 5), (400, 0, True, 5)],
        [(0, 0, True, 5), (100, 0, True, 5), (170, 0, False, 5), (300, 0, True, 5)],
    ],
    ids=["idle", "takes", "busy", "broker away", "was busy in between"],
)
def test_a_worker_in_order_is_left_alone(seen: list[tuple[float, int, bool, int | None]]) -> None:
    assert not any(looks(Watch(patience=180), *seen))


def test_messages_that_nobody_takes_for_three_minutes_are_a_stall() -> None:
    steps = [(float(t), 7, True, 2) for t in range(0, 200, 10)]
    assert looks(Watch(patience=180), *steps).index(True) == 19


@pytest.mark.chaos
@pytest.mark.slow
def test_a_real_worker_with_a_stalled_consumer_ends_with_75(house: House, tmp_path: Path) -> None:
    name = f"stall{os.getpid()}"
    environment = house.environment() | {
        "LIAOYUAN_WORKER_STUCK_SECONDS": "2",
        "LIAOYUAN_VAR": os.environ["LIAOYUAN_TEST_VAR"]
        if "LIAOYUAN_TEST_VAR" in os.environ
        else str(ROOT / "var/test"),
        "DJANGO_SETTINGS_MODULE": "liaoyuan.config.settings",
    }
    argv = ["worker", "--pool", "prefork", "--queues", name, "--concurrency", "1", "--hostname", f"{name}@%h"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    log = tmp_path / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-c", STALLED, *argv, *quiet, "stall"],
            cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while b"stalled" not in log.read_bytes():
            assert time.monotonic() < deadline and child.poll() is None, log.read_text()[-3000:]
            time.sleep(0.1)
        address = house.broker.redis_url
        with redis.Redis.from_url(address) as broker:
            broker.rpush(name, "a message")
        assert child.wait(40) == EXIT_STUCK
        assert "this worker ends to be started anew" in log.read_text()
    finally:
        if child.poll() is None:
            os.killpg(child.pid, 9)
            child.wait()
