"""Keep named processes alive: in dependency order up, restarted when they die, in reverse order down, no orphan left.

One thread, one loop. A lock file for each process name makes a second supervisor of the same name impossible.
Run detached as ``python -m liaoyuan.compute.engines.supervisor SPECS.json`` (see :mod:`detached`).
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from liaoyuan.compute.engines.errors import AlreadySupervised
from liaoyuan.compute.engines.locks import folder_private, json_read, lock_try
from liaoyuan.compute.engines.process import Process, State
from liaoyuan.compute.engines.specs import ProcessSpec, spec_from_dict, specs_ordered
from liaoyuan.compute.engines.supervisor_log import Line, Painter, Reader

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 0.1
LOCK_TRIES = 20
OWN_NAME = "up"
PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


class Supervisor:
    """Runs ``specs`` in the foreground until SIGINT, SIGTERM, SIGHUP or :meth:`stop`.

    ``write`` receives each line of the one log; by default it goes to standard output, coloured on a terminal.
    ``announce`` is asked once, when the process ``announce_after`` (default: all) is ready, what to tell people.
    """

    def __init__(
        self,
        specs: list[ProcessSpec],
        *,
        run: Path,
        log: Path,
        write: Callable[[Line], None] | None = None,
        announce: Callable[[], list[str]] = list,
        announce_after: str = "",
    ) -> None:
        self._specs = specs_ordered(specs)
        self._run, self._log = folder_private(run), folder_private(log)
        self._write = write or printer([spec.name for spec in self._specs])
        self._announce: Callable[[], list[str]] | None = announce
        self._announce_after = announce_after
        self._reader = Reader()
        self._processes = [Process(spec, run=run, log=log, say=self._say) for spec in self._specs]
        self._locks: list[int] = []
        self._others: set[int] = set()
        self._stopping = False
        self._hurry = False
        self.failed = ""

    def run(self) -> None:
        """Start, keep and finally stop everything; returns when nothing is left. Raises AlreadySupervised.

        Afterwards ``failed`` names the process that runs once and failed, if that was why it stopped.
        """
        self._lock()
        # The caller may have children of its own (an engine in the background): those are not ours to end.
        self._others = {child.pid for child in psutil.Process().children()}
        previous = {sign: signal.signal(sign, self._on_signal) for sign in SIGNALS}
        # A grandchild whose parent died comes to us instead of to init, so that it can be ended as well.
        _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
        try:
            while not self._finished():
                self._step()
        finally:
            self._sweep()
            _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 0)
            for sign, handler in previous.items():
                signal.signal(sign, handler)
            self._unlock()

    def stop(self) -> None:
        """Begin to stop; a second call kills."""
        self._hurry = self._stopping
        self._stopping = True

    def _on_signal(self, _sign: int, _frame: FrameType | None) -> None:
        self.stop()

    def _finished(self) -> bool:
        return self._stopping and all(p.state is State.STOPPED for p in self._processes)

    def _step(self) -> None:
        self._reap()
        if self._stopping:
            self._stop_next()
        else:
            self._start_due()
            self._look_round()
        self._read()

    def _look_round(self) -> None:
        """Give up with what gave up; tell once that all is well."""
        for process in self._processes:
            if process.state is State.GAVE_UP:
                self.failed = process.spec.name
                self._own(f"{process.spec.name} {process.detail}; everything is stopped")
                self.stop()
        awaited = [p for p in self._processes if self._announce_after in ("", p.spec.name)]
        if self._announce is not None and all(p.state is State.READY for p in awaited):
            announce, self._announce = self._announce, None
            for line in announce():
                self._own(line)

    def _start_due(self) -> None:
        ready = {p.spec.name for p in self._processes if p.state is State.READY}
        for process in self._processes:
            if process.state is State.STARTING:
                process.probe()
            elif process.due() and ready.issuperset(process.spec.depends_on):
                process.start()

    def _stop_next(self) -> None:
        """Whatever nobody that still lives depends on is asked to end; the overdue are killed."""
        living = [p for p in self._processes if p.state is not State.STOPPED]
        needed = {name for p in living for name in p.spec.depends_on}
        for process in living:
            if self._hurry or process.overdue():
                process.kill()
            if process.state is not State.STOPPING and process.spec.name not in needed:
                process.stop()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for process in self._processes:
                    if process.pid == pid:
                        process.died(status)

    def _read(self) -> None:
        """Wait a moment for output; short while something is about to change."""
        outputs = {p.output: p for p in self._processes if p.output is not None}
        found, _, _ = select.select(list(outputs), [], [], TICK_SECONDS)
        for descriptor in found:
            outputs[descriptor].read()

    def _say(self, name: str, line: str) -> None:
        read = self._reader.read(name, line)
        if read.message.strip(" -_"):  # not the rules and gaps of a banner; the file has them
            self._write(read)

    def _own(self, line: str) -> None:
        self._say(OWN_NAME, line)

    def _lock(self) -> None:
        for spec in self._specs:
            path = self._run / f"{spec.name}.lock"
            for _ in range(LOCK_TRIES):  # a reader of the lock holds it for an instant
                descriptor = lock_try(path)
                if descriptor is not None:
                    break
                time.sleep(TICK_SECONDS / 10)
            if descriptor is None:
                self._unlock()
                pid = json_read(self._run / f"{spec.name}.json").get("supervisor", "?")
                raise AlreadySupervised(process=spec.name, pid=pid)
            self._locks.append(descriptor)
        for process in self._processes:
            process.state_write()

    def _unlock(self) -> None:
        while self._locks:
            os.close(self._locks.pop())

    def _sweep(self) -> None:
        """Whatever else came to be our child (and was not one before) ends with us."""
        for process in self._processes:
            process.kill()
        own = [child for child in psutil.Process().children() if child.pid not in self._others]
        children = [*own, *(grandchild for child in own for grandchild in _descendants(child))]
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=5)


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def printer(names: list[str], *, as_json: bool = False) -> Callable[[Line], None]:
    """Prints the lines of the processes ``names``; in colour on a terminal that wants it, as JSON if asked."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    painter = Painter([*names, OWN_NAME], colour=colour, as_json=as_json)

    def show(line: Line) -> None:
        # The reader of a pipe may have gone: the log files have it all.
        with suppress(BrokenPipeError):
            print(painter.text(line), flush=True)  # noqa: T201 - the foreground supervisor's log is its interface

    return show


def main(argv: list[str]) -> int:
    """Keep the processes of the file ``SPECS.json`` ({specs, run, log}); 0 after a clean stop, 3 if already running."""
    order = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    specs = [spec_from_dict(value) for value in order["specs"]]
    try:
        Supervisor(specs, run=Path(order["run"]), log=Path(order["log"]), write=lambda _line: None).run()
    except AlreadySupervised:
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
