"""Many files at once: warm children, each file its own risk."""

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.process import Child, ChildDied
from liaoyuan.knowledge.parse.sandbox import ParseOutcome, death_error, parse_in, preflight, rejected

_SPENT = frozenset({"timeout", "out_of_memory", "crashed"})


class ParsePool:
    """``workers`` children (default: one per core) that are replaced after ``files_per_child`` files or a death.

    Use as a context manager. ``submit`` and ``map`` may be called from any thread.
    """

    def __init__(self, *, workers: int | None = None, limits: Limits | None = None, files_per_child: int = 50) -> None:
        self.workers = workers or max(1, len(os.sched_getaffinity(0)))
        self.limits = limits or Limits()
        self.files_per_child = files_per_child
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="parse")
        self._idle: SimpleQueue[Child | None] = SimpleQueue()
        self._alive: set[Child] = set()
        self._lock = threading.Lock()
        for _ in range(self.workers):
            self._idle.put(None)  # a seat whose child is started on first use

    def submit(self, path: Path | str, *, name: str | None = None) -> "Future[ParseOutcome]":
        """Queues one file."""
        return self._threads.submit(self._parse, path, name)

    def map(self, files: Iterable[tuple[Path | str, str]]) -> Iterator[ParseOutcome]:
        """Outcomes of (path, name) pairs in the order given, parsed in parallel."""
        waiting = [self.submit(path, name=name) for path, name in files]
        for future in waiting:
            yield future.result()

    def pids(self) -> list[int]:
        """Process ids of the children alive now, for supervision."""
        with self._lock:
            return [child.process.pid for child in self._alive]

    def close(self) -> None:
        """Finishes what runs, drops what waits, ends the children."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            children, self._alive = list(self._alive), set()
        for child in children:
            child.close()

    def __enter__(self) -> "ParsePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _parse(self, path: Path | str, name: str | None) -> ParseOutcome:
        refused = preflight(path, name, self.limits)
        if refused is not None:
            return refused
        seat = self._idle.get()
        kept: Child | None = None
        try:
            child = seat or self._start()
            outcome = parse_in(child, path, name=name, limits=self.limits)
            kept = self._keep(child, outcome)
        except ChildDied as death:  # it did not even start
            shown = name if name is not None else Path(path).name
            return rejected(death_error(death, shown), shown)
        finally:
            self._idle.put(kept)
        return outcome

    def _start(self) -> Child:
        child = Child(memory_mb=self.limits.memory_mb)
        with self._lock:
            self._alive.add(child)
        return child

    def _keep(self, child: Child, outcome: ParseOutcome) -> Child | None:
        """The child if it may serve on; else it is ended and forgotten."""
        dead = child.errors.closed
        if not dead and outcome.code not in _SPENT and child.served < self.files_per_child:
            return child
        with self._lock:
            self._alive.discard(child)
        if not dead:
            child.close()
        return None
