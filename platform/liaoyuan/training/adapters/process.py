"""Runs a training job in a child process and follows it: progress, cancel, crash."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.training import errors

MODULE = "liaoyuan.training.adapters.child"
ROOT = Path(__file__).resolve().parents[3]
POLL = 0.5
GRACE = 30.0
TAIL = 2000
# Idle threads must sleep, not spin: other work shares these cores.
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
Progress = Callable[[float, str, dict[str, Any]], None]


def process_run(
    job: str,
    *,
    log: Path,
    progress: Progress,
    cancelled: Callable[[], bool],
    command: list[str] | None = None,
    grace: float = GRACE,
) -> dict[str, Any]:
    """Run ``job`` (JSON of :class:`job.Job`) to its end and return its report. The child's own output goes to ``log``.

    Raises RunCancelled, TrainerLost (killed or crashed, retryable), TrainerFaulty (a bug), or the child's own error.
    """
    with log.open("ab") as sink:
        child = subprocess.Popen(
            command or [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=_environment(),
            start_new_session=True,
        )
    try:
        return _Following(child, log, progress, cancelled).run(job)
    finally:
        _end(child, grace)


def _environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    # The child needs no secret of the platform.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIAOYUAN_")}
    return kept | QUIET | {"PYTHONPATH": os.pathsep.join(paths)}


class _Following:
    def __init__(
        self, child: "subprocess.Popen[bytes]", log: Path, progress: Progress, cancelled: Callable[[], bool]
    ) -> None:
        self.child, self.log, self.progress, self.cancelled = child, log, progress, cancelled
        self.lines: Queue[bytes | None] = Queue()

    def run(self, job: str) -> dict[str, Any]:
        reader = threading.Thread(target=self._read, args=(self.child.stdout,), daemon=True)
        reader.start()
        self._feed(job)
        while True:
            if self.cancelled():
                raise RunCancelled
            try:
                line = self.lines.get(timeout=POLL)
            except Empty:
                continue
            if line is None:
                raise self._lost()
            report = self._event(json.loads(line))
            if report is not None:
                return report

    def _feed(self, job: str) -> None:
        stream = self.child.stdin
        if stream is None:
            return
        try:
            stream.write(job.encode())
            stream.close()
        except BrokenPipeError:
            pass  # it died at once; the reader's end of stream tells how

    def _read(self, stream: IO[bytes] | None) -> None:
        for line in stream or ():
            self.lines.put(line)
        self.lines.put(None)

    def _event(self, event: dict[str, Any]) -> dict[str, Any] | None:
        if event["event"] == "progress":
            self.progress(event["fraction"], event["step"], event["numbers"])
            return None
        if event["event"] == "error":
            raise self._error(event["kind"], event["params"])
        report: dict[str, Any] = event["report"]
        return report

    def _lost(self) -> LiaoyuanError:
        status = self.child.wait()
        if status < 0:
            return errors.TrainerLost(how=signal.Signals(-status).name)
        return errors.TrainerFaulty(detail=_last_line(self.log))

    def _error(self, kind: str, params: dict[str, Any]) -> LiaoyuanError:
        """The child's error as the same class here."""
        if kind == RunCancelled.__name__:
            # Who stops a machine signals the child too, and nobody cancelled: a retry goes on from the checkpoint.
            return RunCancelled() if self.cancelled() else errors.TrainerLost(how=signal.SIGTERM.name)
        known = getattr(errors, kind, None)
        if isinstance(known, type) and issubclass(known, LiaoyuanError):
            return known(**params)
        return errors.TrainerFaulty(detail=f"{kind} {params}")


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-TAIL:].decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def _end(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ask, then insist; the child writes no file outside of its run's folders."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()
