"""The training process: reads a job from standard input, writes one JSON line an event to standard output.

Started by :mod:`process` as ``python -m liaoyuan.training.adapters.child``. A process of its own gives torch's
memory back when it ends, and a crash of native code costs this run alone. SIGTERM stops within a step; the
checkpoint stays.
"""

import json
import os
import signal
import sys
import threading
from typing import Any, TextIO

from liaoyuan.errors import LiaoyuanError
from liaoyuan.training.adapters.job import Job, job_run


class Pipe:
    """Events as JSON lines on a stream that nothing else writes to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stop = threading.Event()

    def stop(self, *_: object) -> None:
        self._stop.set()

    def cancelled(self) -> bool:
        return self._stop.is_set()

    def say(self, fraction: float, step: str, numbers: dict[str, Any]) -> None:
        self.write({"event": "progress", "fraction": fraction, "step": step, "numbers": numbers})

    def write(self, event: dict[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(event, ensure_ascii=False) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self.stop()  # the worker is gone: nobody wants the result


def main() -> int:
    """Run the job on standard input; 0 when a result or an expected error was written."""
    # Libraries print: their standard output becomes standard error, ours stays apart.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    pipe = Pipe(events)
    signal.signal(signal.SIGTERM, pipe.stop)
    job = Job.from_json(sys.stdin.read())
    try:
        pipe.write({"event": "result", "report": job_run(job, pipe)})
    except LiaoyuanError as error:
        pipe.write({"event": "error", "kind": type(error).__name__, "params": error.params})
    return 0


if __name__ == "__main__":
    sys.exit(main())
