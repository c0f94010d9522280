"""The embedded PostgreSQL: roles that row-level security binds, data that survives kill -9, starts that do no harm."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from liaoyuan.compute.engines import postgres
from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.compute.engines.errors import EngineError
from liaoyuan.compute.engines.manager import engines_down, engines_status, engines_up


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def table(addresses: EngineAddresses) -> None:
    """An empty table ``remark`` made by the owner, as migrations make them."""
    with psycopg.connect(addresses.database_dsn("liaoyuan_owner")) as owner:
        owner.execute("DROP TABLE IF EXISTS remark; CREATE TABLE remark (id serial PRIMARY KEY, note text)")


@pytest.mark.parametrize("role", ["liaoyuan_app", "liaoyuan_system"])
def test_the_working_roles_can_never_bypass_row_level_security(addresses: EngineAddresses, role: str) -> None:
    with psycopg.connect(addresses.database_dsn(role)) as connection:
        attributes = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'liaoyuan'"
        ).fetchone()

    assert attributes == (False, False, False, False, False)
    assert owner == ("liaoyuan_owner",)


def test_a_forced_policy_hides_rows_from_the_app_and_the_owner_alike(addresses: EngineAddresses, table: None) -> None:
    with psycopg.connect(addresses.database_dsn("liaoyuan_owner")) as owner:
        owner.execute("INSERT INTO remark (note) VALUES ('secret')")
        owner.execute("ALTER TABLE remark ENABLE ROW LEVEL SECURITY; ALTER TABLE remark FORCE ROW LEVEL SECURITY")

    for role in ("liaoyuan_app", "liaoyuan_system", "liaoyuan_owner"):
        with psycopg.connect(addresses.database_dsn(role)) as connection:
            assert connection.execute("SELECT count(*) FROM remark").fetchone() == (0,)


def test_the_app_reads_and_writes_rows_but_never_the_structure(addresses: EngineAddresses, table: None) -> None:
    with psycopg.connect(addresses.database_dsn("liaoyuan_app"), autocommit=True) as app:
        app.execute("INSERT INTO remark (note) VALUES ('a')")
        app.execute("UPDATE remark SET note = 'b'")
        assert app.execute("SELECT note FROM remark").fetchone() == ("b",)
        app.execute("DELETE FROM remark")
        for forbidden in (
            "DROP TABLE remark",
            "ALTER TABLE remark DISABLE ROW LEVEL SECURITY",
            "CREATE TABLE x ()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)


def test_a_database_made_for_tests_has_vectors_and_can_be_copied(addresses: EngineAddresses) -> None:
    postgres.create_database(addresses, "one")
    with psycopg.connect(addresses.database_dsn("liaoyuan_owner", name="one")) as owner:
        owner.execute("CREATE TABLE chunk (embedding vector(3)); INSERT INTO chunk VALUES ('[1,2,3]')")
    postgres.create_database(addresses, "two", template="one")

    with psycopg.connect(addresses.database_dsn("liaoyuan_app", name="two")) as app:
        assert app.execute("SELECT embedding <-> '[1,2,3]' FROM chunk").fetchone() == (0.0,)

    postgres.drop_database(addresses, "two")
    postgres.drop_database(addresses, "one")
    assert not postgres.database_exists(addresses, "one")


def test_the_platform_s_own_database_is_never_dropped(addresses: EngineAddresses) -> None:
    with pytest.raises(ValueError, match="refusing"):
        postgres.drop_database(addresses, "liaoyuan")


def test_nothing_listens_on_the_network(addresses: EngineAddresses) -> None:
    with psycopg.connect(addresses.database_dsn("liaoyuan_app")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert addresses.sockets.stat().st_mode & 0o077 == 0


def test_a_second_start_changes_nothing(addresses: EngineAddresses) -> None:
    before = postgres.pid(addresses)

    engines_up(addresses, only=["postgres", "valkey"])

    assert postgres.pid(addresses) == before == postgres.start(addresses)


def test_kill_9_loses_nothing_that_was_committed(addresses: EngineAddresses, table: None) -> None:
    with psycopg.connect(addresses.database_dsn("liaoyuan_app")) as app:
        app.execute("INSERT INTO remark (note) VALUES ('kept')")
    first = postgres.pid(addresses)
    assert first is not None

    os.kill(first, signal.SIGKILL)

    until(lambda: postgres.pid(addresses) not in (None, first) and postgres.running(addresses))
    with psycopg.connect(addresses.database_dsn("liaoyuan_app")) as app:
        assert app.execute("SELECT note FROM remark").fetchone() == ("kept",)


def test_a_lock_file_naming_another_living_program_does_not_stop_a_start(addresses: EngineAddresses) -> None:
    engines_down(addresses, only=["postgres"])
    assert not engines_status(addresses, only=["postgres"])[0].running
    (addresses.postgres_data / "postmaster.pid").write_text(f"{os.getpid()}\n{addresses.postgres_data}\n")

    engines_up(addresses, only=["postgres"])

    assert postgres.running(addresses)


def test_a_folder_with_other_files_is_left_alone_and_named(addresses: EngineAddresses) -> None:
    strange = engine_addresses(addresses.var / "strange")
    strange.postgres_data.mkdir(parents=True)
    (strange.postgres_data / "thesis.docx").write_text("mine")

    with pytest.raises(EngineError, match="holds files but no cluster"):
        postgres.start(strange)

    assert (strange.postgres_data / "thesis.docx").read_text() == "mine"


def test_starts_at_the_same_moment_on_a_new_cluster_all_succeed(tmp_path: Path) -> None:
    fresh = engine_addresses(tmp_path / "var")
    script = (
        "import sys; from pathlib import Path\n"
        "from liaoyuan.compute.engines import postgres\n"
        "from liaoyuan.compute.engines.addresses import engine_addresses\n"
        "found = engine_addresses(Path(sys.argv[1]))\n"
        "postgres.start(found)\n"
        "postgres.create_database(found, 'draft_' + sys.argv[2])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        starts = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", script, str(fresh.var), str(number)],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(4)
        ]
        errors = [start.communicate(timeout=120)[1] for start in starts]
    finally:
        postgres.stop(fresh)

    assert [start.returncode for start in starts] == [0] * 4, errors
