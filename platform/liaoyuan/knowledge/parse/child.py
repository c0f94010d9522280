"""The confined process: ``python -m liaoyuan.knowledge.parse.child DESCRIPTOR MEMORY_MB``.

It inherits one socket, receives open files over it, and answers with blocks or pictures. It never learns a path.
"""

import mimetypes
import os
import socket
import sys
from typing import Any

from liaoyuan.knowledge.parse.confine import confine, limit_processor
from liaoyuan.knowledge.parse.errors import OutOfMemory, ParseRejected, TooLarge
from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.source import Source
from liaoyuan.knowledge.parse.wire import Closed, receive, send

# What native libraries say when an allocation fails under RLIMIT_AS.
_MEMORY_SIGNS = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "insufficient memory",
    "cannot allocate memory",
    "out of memory",
)


def main(arguments: list[str]) -> None:
    """Confines itself, says how, then serves requests until the parent closes the socket."""
    channel = socket.socket(fileno=int(arguments[0]))
    # Otherwise the table of media types is read from files under /etc that the confinement closes.
    mimetypes.init(files=[])
    # Opened now: the confinement forbids writing, and a warm child must still start each file's peak afresh.
    peak = os.open("/proc/self/clear_refs", os.O_WRONLY) if os.access("/proc/self/clear_refs", os.W_OK) else None
    layers = confine(memory_mb=int(arguments[1]))
    send(channel, {"confinement": layers, "pid": os.getpid()})
    while True:
        try:
            request, _, descriptor = receive(channel)
        except Closed:
            return
        if peak is not None:
            os.write(peak, b"5")
        answer, blob = _serve(request, descriptor)
        send(channel, answer, blob)


def _serve(request: dict[str, Any], descriptor: int | None) -> tuple[dict[str, Any], bytes]:
    limits = Limits.from_dict(request["limits"])
    limit_processor(limits.cpu_seconds)
    name = request["name"]
    try:
        source = Source(_bytes(descriptor, name, limits), name, limits, request.get("password"))
        answer, blob = _do(request, source)
    except ParseRejected as error:
        answer, blob = _rejection(error), b""
    except MemoryError:
        answer, blob = _rejection(OutOfMemory(name=name)), b""
    except Exception as error:  # noqa: BLE001  any library may raise anything on a hostile file; it costs that file only
        answer, blob = _unexpected(error, name), b""
    return {**answer, "peak_memory_mb": _peak_mb()}, blob


def _bytes(descriptor: int | None, name: str, limits: Limits) -> bytes:
    if descriptor is None:
        raise ValueError("a request without a file")
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise TooLarge(name=name, detail=f"> {limits.file_bytes // 1048576} MB")
    return data


def _do(request: dict[str, Any], source: Source) -> tuple[dict[str, Any], bytes]:
    # Imported after confinement and only when asked for.
    if request["verb"] == "render":
        from liaoyuan.knowledge.parse.parser import render

        return {"ok": True}, render(source, request["page"], request["scale"])
    if request["verb"] == "unlock":
        from liaoyuan.knowledge.parse.parser import unlocked

        return {"ok": True}, unlocked(source)
    from liaoyuan.knowledge.parse.parser import parse

    return {"ok": True, "document": parse(source).as_dict()}, b""


def _rejection(error: ParseRejected) -> dict[str, Any]:
    return {"ok": False, "code": error.code, "params": {key: str(value) for key, value in error.params.items()}}


def _unexpected(error: Exception, name: str) -> dict[str, Any]:
    if any(sign in str(error).lower() for sign in _MEMORY_SIGNS):
        return _rejection(OutOfMemory(name=name))
    import traceback

    traceback.print_exc()
    return {"ok": False, "code": "crashed", "params": {"name": name, "detail": type(error).__name__}}


def _peak_mb() -> float:
    with open("/proc/self/status") as stream:  # noqa: PTH123  one read, no pathlib import
        line = next((line for line in stream if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
