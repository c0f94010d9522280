"""One child process from the parent's side: started confined, asked, killed when it is late."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from liaoyuan.knowledge.parse.confine import readable_paths
from liaoyuan.knowledge.parse.wire import Closed, receive, send

_START_SECONDS = 60.0
_PYTHON_ROOT = Path(__file__).resolve().parents[3]


class ChildDied(Exception):
    """The child is gone; ``code`` is ``timeout``, ``out_of_memory`` or ``crashed``."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


class Child:
    """Use as a context manager. Not shared between threads; after ChildDied it is spent."""

    def __init__(self, *, memory_mb: int) -> None:
        ours, theirs = socket.socketpair()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        command = [
            *_wrapper(),
            sys.executable,
            "-B",
            "-m",
            "liaoyuan.knowledge.parse.child",
            str(theirs.fileno()),
            str(memory_mb),
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            pass_fds=(theirs.fileno(),),
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self.channel = ours
        self.served = 0
        hello, _ = self._exchange(None, None, _START_SECONDS)
        self.pid: int = hello["pid"]
        self.confinement: list[str] = (["bubblewrap"] if _wrapper() else []) + hello["confinement"]

    def ask(self, request: dict[str, Any], descriptor: int, *, seconds: float) -> tuple[dict[str, Any], bytes]:
        """One request about an open file; raises ChildDied."""
        self.served += 1
        return self._exchange(request, descriptor, seconds)

    def _exchange(
        self, request: dict[str, Any] | None, descriptor: int | None, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        ends = time.monotonic() + seconds
        try:
            self.channel.settimeout(seconds)
            if request is not None:
                send(self.channel, request, descriptor=descriptor)
            header, answer, _ = _receive_before(self.channel, ends)
        except TimeoutError as error:
            self.close()
            raise ChildDied("timeout", f"{seconds:.0f}") from error
        except (Closed, json.JSONDecodeError, OSError) as error:
            raise self._post_mortem() from error
        return header, answer

    def _post_mortem(self) -> ChildDied:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        code, words = _own_code(self.process.poll()), self._last_words()
        self.close()
        if code == -signal.SIGXCPU:
            return ChildDied("timeout", "CPU")
        lowered = words.lower()
        if code == -signal.SIGKILL or any(
            sign in lowered for sign in ("memoryerror", "bad_alloc", "out of memory", "memory allocation")
        ):
            return ChildDied("out_of_memory", words)
        return ChildDied("crashed", _exit_name(code))

    def _last_words(self) -> str:
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 2000))
        return self.errors.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Ends the child, by its process group, and forgets it."""
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.errors.closed:
            self.close()


def _receive_before(channel: socket.socket, ends: float) -> tuple[dict[str, Any], bytes, int | None]:
    # A child that drips bytes would renew a plain socket timeout for ever.
    channel.settimeout(max(0.01, ends - time.monotonic()))
    answer = receive(channel)
    if time.monotonic() > ends + 5:
        raise TimeoutError
    return answer


def _own_code(code: int | None) -> int | None:
    """The child's own end: bubblewrap tells a signal as 128 and its number, as a shell does."""
    told = code is not None and bool(_wrapper()) and 128 < code < 128 + signal.NSIG
    return 128 - code if told and code is not None else code


def _exit_name(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit {code}"


def _environment() -> dict[str, str]:
    """No secret of the parent: only what Python and the numeric libraries need."""
    return {
        "PYTHONPATH": str(_PYTHON_ROOT),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


@lru_cache(maxsize=1)
def _wrapper() -> tuple[str, ...]:
    """The bubblewrap command line, empty where it is missing or the kernel does not let it work."""
    program = shutil.which("bwrap")
    if program is None:
        return ()
    binds: list[str] = []
    for path in readable_paths():
        if path.exists() and not str(path).startswith(("/proc", "/dev")):
            binds += ["--ro-bind", str(path), str(path)]
    # The tmpfs is the child's own, made empty with its mount namespace.
    mounts = ("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108
    command = (program, "--unshare-all", "--die-with-parent", *binds, *mounts, "--chdir", "/")
    probe = subprocess.run([*command, sys.executable, "-c", ""], capture_output=True, check=False, timeout=30)
    return command if probe.returncode == 0 else ()
