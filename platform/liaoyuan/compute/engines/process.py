"""One supervised process: start, output, readiness, death, restart, stop."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from liaoyuan.compute.engines.background import SUPERVISOR_MARK
from liaoyuan.compute.engines.locks import json_write
from liaoyuan.compute.engines.ready import is_ready
from liaoyuan.compute.engines.rotation import RotatedFile
from liaoyuan.compute.engines.specs import ProcessSpec

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A process that stayed up this long has recovered: its next death starts again at the shortest delay.
STEADY_SECONDS = 30.0
PROBE_EVERY = 0.2
READ_BYTES = 64 * 1024
LINE_BYTES = 16 * 1024
# In the environment of whatever a supervisor started: by it the next one knows what a killed one left behind.
MARK = "LIAOYUAN_SUPERVISED"
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class State(StrEnum):
    """Life of a process: waiting -> starting -> ready -> (backoff -> starting)* -> stopping -> stopped.

    One that runs once and failed is gave_up.
    """

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    GAVE_UP = "gave_up"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Process:
    """Driven by the supervisor's single-threaded loop; ``say(name, line)`` receives what it prints."""

    def __init__(self, spec: ProcessSpec, *, run: Path, log: Path, say: Callable[[str, str], None]) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.pid: int | None = None
        self.restarts = 0
        self.detail = ""
        self.output: int | None = None
        self._say = say
        self._state_file = run / f"{spec.name}.json"
        self._mark = f"{run}:{spec.name}"
        self._log_file = RotatedFile(log / f"{spec.name}.log")
        self._fails = 0
        self._since = 0.0
        self._next = 0.0
        self._rest = b""

    def start(self) -> None:
        """Spawn it in a session of its own; it gets the stop signal should the supervisor die."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        environment = {**os.environ, **self.spec.env, "PYTHONUNBUFFERED": "1", MARK: self._mark}
        death, parent = int(self.spec.stop_signal), os.getpid()

        def die_with_parent() -> None:
            _LIBC.prctl(PR_SET_PDEATHSIG, death)
            if os.getppid() != parent:
                os._exit(1)

        try:
            child = subprocess.Popen(
                self.spec.argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
            )
        except OSError as error:
            os.close(reader)
            self._later(f"cannot start: {error}")
            return
        finally:
            os.close(writer)
        # The loop reaps every child itself with waitpid(-1); Popen must not do it a second time.
        child.returncode = 0
        self.pid, self.output, self._since = child.pid, reader, time.monotonic()
        self._turn(State.STARTING, f"started (pid {child.pid})")

    def due(self) -> bool:
        """Whether its delay after a death is over."""
        return self.state is State.WAITING or (self.state is State.BACKOFF and time.monotonic() >= self._next)

    def probe(self) -> None:
        """While it starts: turn it ready when its check says so, kill it when it took too long."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROBE_EVERY
        if not self.spec.once and is_ready(self.spec.ready):
            self._prepare()
        elif now - self._since > self.spec.ready_timeout:
            self.say(f"{SUPERVISOR_MARK}not ready after {self.spec.ready_timeout:.0f} s; it is ended and started again")
            self.kill()
            self._next = now + LONGEST_DELAY

    def died(self, status: int) -> None:
        """Its leader was reaped: nothing of its group may stay, then wait and start again."""
        self.read()
        self.kill()
        self._close()
        self.pid = None
        code = os.waitstatus_to_exitcode(status)
        reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
        if self.state is State.STOPPING:
            self._turn(State.STOPPED, f"stopped ({reason})")
            return
        if self.spec.once:
            self._turn(*((State.READY, "done") if code == 0 else (State.GAVE_UP, f"gave up: {reason}")))
            return
        if self.state is State.READY and time.monotonic() - self._since > STEADY_SECONDS:
            self._fails = 0
        self.restarts += 1
        self._later(f"died with {reason}")

    def stop(self) -> None:
        """Ask it to end."""
        if self.pid is None:
            self._turn(State.STOPPED, "stopped")
            return
        self._next = time.monotonic() + self.spec.grace
        self._turn(State.STOPPING, "stopping")
        with suppress(ProcessLookupError):
            os.kill(self.pid, self.spec.stop_signal)

    def overdue(self) -> bool:
        """Whether it was asked to end and its grace is over."""
        return self.state is State.STOPPING and time.monotonic() > self._next

    def kill(self) -> None:
        """End its whole process group now."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def read(self) -> None:
        """Pass on the whole lines it printed."""
        while self.output is not None:
            try:
                data = os.read(self.output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._close()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > LINE_BYTES:
                lines, self._rest = [*lines, self._rest], b""
            for line in lines:
                self.say(line.decode(errors="replace"))

    def say(self, line: str) -> None:
        """To the supervisor's terminal and to the process's own log."""
        self._say(self.spec.name, line)
        self._log_file.line(line)

    def state_write(self) -> None:
        """Publish state, pid and supervisor for other processes to read."""
        state = {
            "name": self.spec.name,
            "state": str(self.state),
            "pid": self.pid,
            "supervisor": os.getpid(),
            "restarts": self.restarts,
            "detail": self.detail,
            "changed": time.time(),
        }
        json_write(self._state_file, state)

    def _prepare(self) -> None:
        if self.spec.prepare:
            done = subprocess.run(
                self.spec.prepare, env={**os.environ, **self.spec.env}, check=False, capture_output=True, timeout=60
            )
            if done.returncode != 0:
                self.say(done.stderr.decode(errors="replace").strip() or "its preparation failed")
                self._next = time.monotonic() + FIRST_DELAY
                return
        took = time.monotonic() - self._since
        self._turn(State.READY, f"ready after {took:.1f} s")

    def _later(self, reason: str) -> None:
        delay = min(FIRST_DELAY * 2**self._fails, LONGEST_DELAY)
        self._fails += 1
        self._next = time.monotonic() + delay
        self._turn(State.BACKOFF, f"{reason}; next start in {delay:.1f} s")

    def _turn(self, state: State, detail: str) -> None:
        self.state, self.detail = state, detail
        self.say(f"{SUPERVISOR_MARK}{detail}")
        self.state_write()

    def _close(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None
        if self._rest:
            self.say(self._rest.decode(errors="replace"))
            self._rest = b""
