"""Answer whether a process is ready; each probe takes a second at most, so that the supervisor's loop stays live."""

import http.client
import socket
import subprocess
from urllib.parse import urlsplit

from liaoyuan.compute.engines.specs import Probe, ReadyCheck

SECONDS = 1.0
BAD_STATUS = 400


def is_ready(check: ReadyCheck) -> bool:
    """Whether the probe of ``check`` succeeds now."""
    match check.probe:
        case Probe.STARTED:
            return True
        case Probe.COMMAND:
            return _command(check.argv)
        case Probe.PING:
            return _ping(check.target)
        case Probe.HTTP:
            return _http(check.target)


def _command(argv: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(argv, check=False, capture_output=True, timeout=2 * SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _ping(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SECONDS)
        try:
            connection.connect(path)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _http(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < BAD_STATUS
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
