"""`make up` for real: killed children come back, a killed supervisor leaves nothing, twice is once, Ctrl-C ends all."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.config.processes import BACKGROUND
from tests.engines import ROOT

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(900)]
KEPT = ("postgres", "valkey", "model_server", "web", *BACKGROUND)


class Up:
    """One ``manage.py up`` in a folder of its own; its log is one JSON object a line."""

    def __init__(self, var: Path) -> None:
        self.var, self.run = var, engine_addresses(var).run
        self.log = var / "up.jsonl"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.child: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LIAOYUAN_", "DJANGO_"))}
        return kept | {"LIAOYUAN_VAR": str(self.var), "LIAOYUAN_PORT": str(self.port), "LANG": "C"}

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "manage.py", *words]
        return subprocess.run(argv, cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=200)

    def start(self) -> None:
        self.log.write_bytes(b"")
        with self.log.open("wb") as out:
            argv = [sys.executable, "manage.py", "up", "--json"]
            self.child = subprocess.Popen(argv, cwd=ROOT, env=self.environment(), stdout=out, stderr=subprocess.STDOUT)
        self.until(lambda: all(self.ready(name) for name in KEPT) and self.said("Portal"), 300)

    def ready(self, name: str) -> bool:
        return detached.status(name, run=self.run).ready

    def pid(self, name: str) -> int:
        return detached.status(name, run=self.run).pid or 0

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]

    def said(self, words: str) -> list[str]:
        return [line["message"] for line in self.lines() if words in line["message"]]

    def until(self, condition: Callable[[], Any], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self.child is not None and self.child.poll() is not None
            assert not ended and time.monotonic() < deadline, self.log.read_text(encoding="utf-8")[-4000:]
            time.sleep(0.2)

    def family(self) -> list[psutil.Process]:
        """Every process that works in this folder."""
        mark = str(self.var)
        return [
            p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or ()) or _marked(p, mark)
        ]

    def interrupt(self) -> int:
        assert self.child is not None
        self.child.send_signal(signal.SIGINT)
        return self.child.wait(120)


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("LIAOYUAN_VAR") == mark
    except (psutil.Error, OSError):
        return False


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    found = Up(tmp_path_factory.mktemp("up"))
    found.start()
    yield found
    if found.child is not None and found.child.poll() is None:
        found.interrupt()
    found.manage("down")
    for process in found.family():
        process.kill()


def test_the_first_start_makes_an_operator_and_tells_how_to_come_in(up: Up) -> None:
    assert up.said("there was no operator: operator@localhost is the first one")
    assert up.said("there was no organization")
    assert up.said(f"http://127.0.0.1:{up.port}/enter/")
    token = up.var / "secrets" / "metrics_token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert len(token.read_text()) >= 32


def test_a_second_one_says_that_it_runs_and_reset_refuses(up: Up) -> None:
    assert up.child is not None
    again = up.manage("up")
    assert (again.returncode, f"pid {up.child.pid}" in again.stdout, str(up.port) in again.stdout) == (0, True, True)
    refused = up.manage("reset", "--yes")
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert (up.var / "postgres").is_dir()


def test_a_port_that_another_program_has_is_told_with_the_way_out(up: Up, tmp_path: Path) -> None:
    other = Up(tmp_path / "other")
    other.port = up.port
    refused = other.manage("up")
    assert refused.returncode == 1
    assert f"Port {up.port} is taken by" in refused.stderr
    assert "LIAOYUAN_PORT=" in refused.stderr


@pytest.mark.parametrize("name", KEPT)
def test_whichever_child_is_killed_comes_back(up: Up, name: str) -> None:
    before = up.pid(name)
    os.kill(before, signal.SIGKILL)
    up.until(lambda: up.pid(name) not in {0, before} and up.ready(name), 120)
    assert any(line["name"] == name and "SIGKILL" in line["message"] for line in up.lines())


def test_a_killed_supervisor_leaves_nothing_that_hinders_the_next(up: Up) -> None:
    assert up.child is not None
    up.until(lambda: all(up.ready(name) for name in KEPT), 120)
    up.child.kill()
    up.child.wait()

    up.start()

    assert all(up.ready(name) for name in KEPT)
    assert not up.said("there was no operator")
    for name in KEPT:
        assert psutil.Process(up.pid(name)).ppid() == up.child.pid, name


def test_ctrl_c_ends_everything_and_a_second_life_does_too(up: Up) -> None:
    for _ in range(2):
        if up.child is None or up.child.poll() is not None:
            up.start()
        assert up.interrupt() == 0
        assert [process for process in up.family() if process.is_running()] == []
        assert not (up.var / "postgres" / "postmaster.pid").exists()
    done = up.manage("down")
    assert (done.returncode, done.stdout.strip()) == (0, "Nothing was running.")
    assert up.manage("reset", "--yes").returncode == 0
    assert not (up.var / "postgres").exists()
