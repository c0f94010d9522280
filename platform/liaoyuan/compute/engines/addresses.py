"""Where the embedded engines of one var folder are reached; computed, so that no engine has to run to know it."""

import hashlib
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

from liaoyuan.compute.engines.errors import NoFreePort, PortTaken, UnsafeFolder
from liaoyuan.compute.engines.locks import folder_private, json_read, json_write, locked

LOOPBACK = "127.0.0.1"
# sun_path holds 108 bytes with its closing zero.
LONGEST_SOCKET_PATH = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
POSTGRES_PORT = "5432"
VALKEY_SOCKET = "valkey.sock"
DATABASE = "liaoyuan"
ROLES = ("liaoyuan_app", "liaoyuan_system", "liaoyuan_owner")
BROKER_DB = 0
CACHE_DB = 1
WEB_PORT = 8000
# Below Linux's ephemeral range (32768 up), so that no outgoing connection takes the port between two starts.
MODEL_SERVER_PORTS = range(18_000, 30_000)
PORTS_TRIED = 200


@dataclass(frozen=True)
class EngineAddresses:
    """Addresses of the engines below ``var`` (absolute path). Reading them makes no file and starts nothing."""

    var: Path

    @property
    def run(self) -> Path:
        """Pids, locks, ports and, unless the path is too long, sockets."""
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def postgres_data(self) -> Path:
        return self.var / "postgres"

    @property
    def valkey_data(self) -> Path:
        return self.var / "valkey"

    @property
    def adapters_file(self) -> Path:
        """The adapters that the model server remembers over a restart."""
        return self.var / "models" / "adapters.json"

    @property
    def model_server_token_file(self) -> Path:
        return self.var / "secrets" / "model_server_token"

    @cached_property
    def sockets(self) -> Path:
        """Folder of the sockets: below ``run``, or in /tmp when the kernel's limit on socket paths would be passed."""
        near = self.run / "sockets"
        longest = os.fsencode(near / POSTGRES_SOCKET)
        if len(longest) <= LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:16]
        return Path(f"/tmp/liaoyuan-{digest}")  # noqa: S108 - 0700 and ownership are checked in sockets_folder_make

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / VALKEY_SOCKET

    def database(self, role: str) -> dict[str, str]:
        """Django's NAME, USER, PASSWORD, HOST and PORT for one of :data:`ROLES` (no password is needed)."""
        if role not in ROLES:
            raise ValueError(f"unknown database role {role!r}; known: {', '.join(ROLES)}")
        return {"NAME": DATABASE, "USER": role, "PASSWORD": "", "HOST": str(self.sockets), "PORT": POSTGRES_PORT}

    def database_dsn(self, role: str, *, name: str = DATABASE) -> str:
        """The same as a libpq connection string."""
        return f"host='{self.sockets}' port={POSTGRES_PORT} user={role} dbname='{name}'"

    @property
    def redis_url(self) -> str:
        """For redis-py: the broker's logical database."""
        return f"unix://{quote(str(self.valkey_socket))}?db={BROKER_DB}"

    @property
    def cache_url(self) -> str:
        """For redis-py and Django's RedisCache: the cache's logical database."""
        return f"unix://{quote(str(self.valkey_socket))}?db={CACHE_DB}"

    @property
    def broker_url(self) -> str:
        """For Celery."""
        return f"redis+socket://{quote(str(self.valkey_socket))}?virtual_host={BROKER_DB}"

    @property
    def model_server_port(self) -> int:
        return self._port("model_server", self._preferred_model_server_port)

    @property
    def model_server_url(self) -> str:
        """Read anew each time: the port moves when another program took it while the engine was down."""
        return f"http://{LOOPBACK}:{self.model_server_port}"

    @property
    def web_port(self) -> int:
        return self._port("web", WEB_PORT)

    def model_server_port_claim(self) -> int:
        """The model server's port, moved to the next free one if taken. Call only while it is not running."""
        return self._port_claim("model_server", self._preferred_model_server_port)

    def web_port_claim(self, port: int = WEB_PORT) -> int:
        """Note that the web process will listen on ``port``: people know it, so it never moves by itself.

        Call only while the web process is not running. Raises PortTaken.
        """
        if not _is_free(port):
            raise PortTaken(port=port, by=listener(port), other=_free_port("web", port + 1))
        folder_private(self.run)
        with locked(self.run / "ports.lock", timeout=10.0):
            json_write(self._ports_file, json_read(self._ports_file) | {"web": port})
        return port

    @property
    def _preferred_model_server_port(self) -> int:
        digest = hashlib.sha256(os.fsencode(self.var)).digest()
        return MODEL_SERVER_PORTS[int.from_bytes(digest[:4], "big") % (len(MODEL_SERVER_PORTS) - PORTS_TRIED)]

    @property
    def _ports_file(self) -> Path:
        return self.run / "ports.json"

    def _port(self, name: str, preferred: int) -> int:
        return int(json_read(self._ports_file).get(name, preferred))

    def _port_claim(self, name: str, preferred: int) -> int:
        folder_private(self.run)
        with locked(self.run / "ports.lock", timeout=10.0):
            ports = json_read(self._ports_file)
            port = _free_port(name, int(ports.get(name, preferred)))
            if ports.get(name) != port:
                json_write(self._ports_file, ports | {name: port})
            return port


def engine_addresses(var: Path) -> EngineAddresses:
    """The addresses of the engines below ``var``."""
    return EngineAddresses(var=var.expanduser().resolve())


def sockets_folder_make(addresses: EngineAddresses) -> Path:
    """Make the socket folder, 0700 and ours; whoever may enter it may use the database. Raises UnsafeFolder."""
    folder = addresses.sockets
    folder_private(folder)
    found = folder.lstat()
    ours = found.st_uid in (os.geteuid(), 65534 if os.geteuid() == 0 else os.geteuid())
    if not stat.S_ISDIR(found.st_mode) or not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafeFolder(engine="sockets", path=folder, detail="", log="")
    return folder


def listener(port: int) -> str:
    """Who listens on the loopback ``port``, for people: program and pid, as far as we may see."""
    with suppress(psutil.Error, OSError):
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
                return f"{psutil.Process(found.pid).name()}, pid {found.pid}"
    return "another program"


def _free_port(name: str, first: int) -> int:
    last = first + PORTS_TRIED
    for port in range(first, last):
        if _is_free(port):
            return port
    raise NoFreePort(name=name, first=first, last=last - 1)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
