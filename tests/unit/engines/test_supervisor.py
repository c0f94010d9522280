"""The supervisor keeps processes alive in order and leaves nothing behind; driven with small real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest import mock

import psutil
import pytest

from liaoyuan.compute.engines import detached, supervisor_leftovers
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.errors import AlreadySupervised, EngineNotReady
from liaoyuan.compute.engines.process import State
from liaoyuan.compute.engines.specs import Probe, ProcessSpec, ReadyCheck, spec_from_dict, specs_ordered
from liaoyuan.compute.engines.supervisor import Supervisor
from liaoyuan.compute.engines.supervisor_log import Line

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
DEAF = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)
FORKS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""
PARENT = (sys.executable, "-c", FORKS)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def keep(folder: Path) -> Iterator[Callable[..., int]]:
    """Start a detached supervisor of the specs, wait until all are ready; it is ended after the test."""
    names: list[str] = []

    def start(*specs: ProcessSpec) -> int:
        names.extend(spec.name for spec in specs)
        pid = detached.start_detached(list(specs), run=folder, log=folder)
        for spec in specs:
            detached.wait_ready(spec.name, run=folder, log=folder, supervisor=pid, timeout=20)
        return pid

    yield start
    detached.stop(names, run=folder, log=folder)


def child(folder: Path, name: str) -> int:
    pid = detached.status(name, run=folder).pid
    assert pid is not None
    return pid


def test_a_process_that_is_killed_comes_back(folder: Path, keep: Callable[..., int]) -> None:
    keep(ProcessSpec("sleeper", SLEEPER))
    first = child(folder, "sleeper")

    os.kill(first, signal.SIGKILL)

    until(lambda: detached.status("sleeper", run=folder).restarts == 1 and detached.status("sleeper", run=folder).ready)
    assert child(folder, "sleeper") != first
    assert "SIGKILL" in (folder / "sleeper.log").read_text()


def test_sigterm_leaves_no_process_behind_not_even_a_grandchild(folder: Path, keep: Callable[..., int]) -> None:
    supervisor = keep(ProcessSpec("parent", PARENT), ProcessSpec("deaf", DEAF, grace=0.3))
    log = folder / "parent.log"
    until(lambda: "child" in log.read_text() and "deaf" in (folder / "deaf.log").read_text())
    grandchild = int(next(line for line in log.read_text().splitlines() if line.startswith("child")).split()[1])
    pids = [child(folder, "parent"), child(folder, "deaf"), grandchild]

    detached.stop(["parent", "deaf"], run=folder, log=folder)

    assert [pid for pid in [supervisor, *pids] if not gone(pid)] == []
    assert detached.status("parent", run=folder).state is State.STOPPED


def test_a_killed_supervisor_takes_its_processes_along(folder: Path, keep: Callable[..., int]) -> None:
    supervisor = keep(ProcessSpec("sleeper", SLEEPER))
    pid = child(folder, "sleeper")

    os.kill(supervisor, signal.SIGKILL)

    until(lambda: gone(pid))
    assert detached.status("sleeper", run=folder).state is State.STOPPED


def test_a_second_supervisor_of_the_same_process_is_refused(folder: Path, keep: Callable[..., int]) -> None:
    first = keep(ProcessSpec("sleeper", SLEEPER))
    pid = child(folder, "sleeper")

    with pytest.raises(AlreadySupervised, match=f"already running \\(pid {first}\\)"):
        Supervisor([ProcessSpec("sleeper", SLEEPER)], run=folder, log=folder).run()

    assert child(folder, "sleeper") == pid


def test_a_dependant_starts_after_and_stops_before_what_it_needs(folder: Path) -> None:
    lines: list[Line] = []
    slow = ReadyCheck(Probe.COMMAND, argv=(sys.executable, "-c", "import time; time.sleep(0.3)"))
    specs = [ProcessSpec("web", SLEEPER, depends_on=("base",)), ProcessSpec("base", SLEEPER, ready=slow)]
    supervisor = Supervisor(specs, run=folder, log=folder, write=lines.append)
    watch = threading.Thread(
        target=lambda: (
            until(lambda: any(x.name == "web" and "ready" in x.message for x in lines)),
            supervisor.stop(),
        )
    )
    watch.start()

    supervisor.run()
    watch.join()

    steps = [f"{x.name} {x.message.split('(')[0].strip()}" for x in lines if not x.message.startswith(("up", "ready"))]
    assert steps == ["base started", "web started", "web stopping", "web stopped", "base stopping", "base stopped"]


def test_children_that_the_caller_had_before_are_left_alone(folder: Path) -> None:
    """`make up` may have started the database in the background before it became a supervisor."""
    lines: list[Line] = []
    other = subprocess.Popen(PARENT, stdout=subprocess.PIPE, text=True)
    grandchild = int(other.stdout.readline().split()[1]) if other.stdout else 0
    supervisor = Supervisor([ProcessSpec("sleeper", SLEEPER)], run=folder, log=folder, write=lines.append)
    watch = threading.Thread(
        target=lambda: (until(lambda: any("ready" in x.message for x in lines)), supervisor.stop())
    )
    watch.start()
    try:
        supervisor.run()
        assert other.poll() is None
        assert psutil.pid_exists(grandchild)
    finally:
        watch.join()
        os.kill(grandchild, signal.SIGKILL)
        other.kill()
        other.communicate()


def test_what_never_becomes_ready_is_an_error_with_its_last_words(folder: Path) -> None:
    broken = ProcessSpec("broken", (sys.executable, "-c", "raise SystemExit('no model file')"))
    check = ReadyCheck(Probe.COMMAND, argv=("false",))
    spec = spec_from_dict({**broken.as_dict(), "ready": {"probe": check.probe, "target": "", "argv": check.argv}})
    pid = detached.start_detached([spec], run=folder, log=folder)
    try:
        with pytest.raises(EngineNotReady, match="no model file"):
            detached.wait_ready("broken", run=folder, log=folder, supervisor=pid, timeout=10)
    finally:
        detached.stop(["broken"], run=folder, log=folder)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


@pytest.mark.parametrize(
    ("dependencies", "complaint"),
    [({"a": ("b",), "b": ("a",)}, "circular"), ({"a": ("nobody",)}, "unknown process nobody")],
)
def test_impossible_orders_are_refused(dependencies: dict[str, tuple[str, ...]], complaint: str) -> None:
    specs = [ProcessSpec(name, SLEEPER, depends_on=needs) for name, needs in dependencies.items()]
    with pytest.raises(ValueError, match=complaint):
        specs_ordered(specs)


def test_a_spec_survives_the_file_to_a_detached_supervisor() -> None:
    spec = ProcessSpec(
        "a", SLEEPER, env={"X": "1"}, ready=ReadyCheck(Probe.HTTP, "http://127.0.0.1:1/"), prepare=("true",)
    )
    assert spec_from_dict(spec.as_dict()) == spec


def test_what_runs_once_comes_before_the_others_and_is_not_started_again(folder: Path) -> None:
    lines: list[Line] = []
    once = ProcessSpec("setup", (sys.executable, "-c", "print('tables stand')"), once=True)
    supervisor = Supervisor(
        [ProcessSpec("web", SLEEPER, depends_on=("setup",)), once],
        run=folder,
        log=folder,
        write=lines.append,
        announce=lambda: ["here we are"],
        announce_after="web",
    )
    watch = threading.Thread(target=lambda: (until(lambda: any(x.name == "up" for x in lines)), supervisor.stop()))
    watch.start()

    supervisor.run()
    watch.join()

    said = [f"{x.name} {x.message.split('(')[0].strip()}" for x in lines if not x.message.startswith(("up", "ready"))]
    assert said == [
        "setup started", "setup tables stand", "setup done", "web started", "up here we are", "web stopping",
        "web stopped", "setup stopped",
    ]  # fmt: skip
    assert supervisor.failed == ""


def test_when_what_runs_once_fails_everything_stops_and_says_what_failed(folder: Path) -> None:
    lines: list[Line] = []
    broken = ProcessSpec("setup", (sys.executable, "-c", "raise SystemExit('no such table')"), once=True)
    specs = [ProcessSpec("base", SLEEPER), broken, ProcessSpec("web", SLEEPER, depends_on=("setup",))]
    supervisor = Supervisor(specs, run=folder, log=folder, write=lines.append)

    supervisor.run()

    assert supervisor.failed == "setup"
    assert not any(x.name == "web" and "started" in x.message for x in lines)
    assert any("setup gave up: status 1" in x.message for x in lines if x.name == "up")


def test_a_process_that_ends_at_once_is_tried_again_later_and_later(folder: Path) -> None:
    lines: list[Line] = []
    specs = [ProcessSpec("flapping", (sys.executable, "-c", "raise SystemExit(75)"))]
    supervisor = Supervisor(specs, run=folder, log=folder, write=lines.append)
    deaths = lambda: [x.message for x in lines if "died" in x.message]  # noqa: E731 - a name for what is asked twice
    watch = threading.Thread(target=lambda: (until(lambda: len(deaths()) == 3), supervisor.stop()))
    watch.start()

    supervisor.run()
    watch.join()

    assert deaths() == [f"died with status 75; next start in {delay} s" for delay in ("0.5", "1.0", "2.0")]


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(tmp_path: Path) -> None:
    addresses = engine_addresses(tmp_path)
    run = addresses.run
    # Deaf to the signal that the kernel sends when the parent dies, and with a child that gets no signal at all.
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FORKS}"
    spec = ProcessSpec("worker", (sys.executable, "-c", stubborn))
    supervisor = detached.start_detached([spec], run=run, log=run)
    detached.wait_ready("worker", run=run, log=run, supervisor=supervisor, timeout=20)
    until(lambda: "child" in (run / "worker.log").read_text())
    pids = [child(run, "worker"), int((run / "worker.log").read_text().split("child")[1].split()[0])]
    bystander = subprocess.Popen(SLEEPER, start_new_session=True, stdout=subprocess.DEVNULL)

    os.kill(supervisor, signal.SIGKILL)
    until(lambda: gone(supervisor))
    assert [pid for pid in pids if gone(pid)] == []
    with mock.patch.object(supervisor_leftovers, "PATIENCE_SECONDS", 0.3):
        found = supervisor_leftovers.leftovers_end(addresses, ["worker", "never-started"])

    assert found == ["worker"]
    until(lambda: all(gone(pid) for pid in pids))
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
