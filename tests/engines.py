"""A pytest plugin: the embedded engines in a folder of their own, and one fresh migrated database for each session.

Loaded by ``-p tests.engines`` before Django reads its settings. Nothing starts until a test asks for the fixture
``database``. Tests do not roll back and nothing is flushed: each test is a tenant of its own, and row-level security
keeps it alone.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("LIAOYUAN_TEST_VAR", ROOT / "var" / "test")).resolve()
os.environ["LIAOYUAN_VAR"] = str(VAR)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaoyuan.config.settings")
# ini's `pythonpath` comes after plugins named by -p. Appended: the standard library's `platform` must keep winning.
if str(ROOT / "platform") not in sys.path:
    sys.path.append(str(ROOT / "platform"))

from liaoyuan.compute.engines import postgres, valkey  # noqa: E402 - the path above must be set first
from liaoyuan.compute.engines.addresses import engine_addresses  # noqa: E402
from liaoyuan.compute.engines.locks import folder_private, locked  # noqa: E402

ADDRESSES = engine_addresses(VAR)
ALIASES = ("default", "system", "owner")
KEEP = "LIAOYUAN_TEST_KEEP"


def pytest_configure(config: pytest.Config) -> None:
    """Remember whether the engines ran before us: what we did not start we do not stop."""
    config.stash[_RAN_BEFORE] = postgres.pid(ADDRESSES) is not None


_RAN_BEFORE = pytest.StashKey[bool]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the engines, unless somebody else needs them. The controller of a parallel run does it, not its workers."""
    config = session.config
    if hasattr(config, "workerinput") or config.stash[_RAN_BEFORE] or os.environ.get(KEEP):
        return
    if postgres.pid(ADDRESSES) is not None and not _live_databases():
        postgres.stop(ADDRESSES)
        valkey.stop(ADDRESSES)


def database_use(name: str) -> None:
    """Point Django's three aliases at the database ``name`` (child processes of a test do the same)."""
    from django.db import connections

    for alias in ALIASES:
        connections[alias].close()
        connections.settings[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name


def database_session() -> Iterator[str]:
    """Start the engines, copy the migrated template, yield the copy's name, drop it."""
    from django.db import connections

    postgres.start(ADDRESSES)
    valkey.start(ADDRESSES)
    name = f"test_{os.getpid()}"
    with locked(folder_private(ADDRESSES.run) / "template.lock"):
        _drop_orphans()
        template = _template()
        postgres.drop_database(ADDRESSES, name)
        postgres.create_database(ADDRESSES, name, template)
        with closing(_owner()) as owner:
            # No test outlives a crash of the server; waiting for the disk at every commit would double their time.
            owner.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit TO off").format(sql.Identifier(name)))
    database_use(name)
    yield name
    connections.close_all()
    postgres.drop_database(ADDRESSES, name)


def _template() -> str:
    """The database with all migrations applied; made anew when any migration file changes."""
    name = f"template_{_migrations_digest()}"
    if not postgres.database_exists(ADDRESSES, name):
        draft = f"draft_{os.getpid()}"
        postgres.drop_database(ADDRESSES, draft)
        postgres.create_database(ADDRESSES, draft)
        _migrate(draft)
        with closing(_owner()) as owner:
            for old in _names(owner, "template_%"):
                if old not in {"template0", "template1"}:
                    owner.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
            owner.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (draft, name))))
    return name


def _migrate(name: str) -> None:
    from django.core.management import call_command
    from django.db import connections

    database_use(name)
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    connections.close_all()


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    apps = ROOT / "platform" / "liaoyuan"
    for file in sorted(
        [
            *apps.glob("*/migrations/*.py"),
            *apps.glob("*/migrations/*.sql"),
            apps / "accounts" / "rls.py",
            apps / "config" / "settings.py",
        ]
    ):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _owner() -> "psycopg.Connection[tuple[str, ...]]":
    return psycopg.connect(ADDRESSES.database_dsn("liaoyuan_owner", name="postgres"), autocommit=True)


def _names(owner: "psycopg.Connection[tuple[str, ...]]", pattern: str) -> list[str]:
    return [row[0] for row in owner.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern])]


def _live_databases() -> list[str]:
    """Test databases of sessions that still run."""
    with closing(_owner()) as owner:
        return [name for name in _names(owner, r"test\_%") if _alive(name) and name != f"test_{os.getpid()}"]


def _drop_orphans() -> None:
    """What a killed session left behind."""
    with closing(_owner()) as owner:
        orphans = [name for name in _names(owner, r"test\_%") if not _alive(name)]
    for name in orphans:
        postgres.drop_database(ADDRESSES, name)


def _alive(name: str) -> bool:
    pid = int(name.rsplit("_", 1)[1])
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
