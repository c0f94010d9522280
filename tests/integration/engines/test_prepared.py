"""What commands ask of the engines before they work: nothing is started twice, and faults become sentences."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connections

from liaoyuan.accounts.commands import MODEL_SERVER, POSTGRES
from liaoyuan.compute.engines.manager import engines_status
from liaoyuan.config.engines import EmbeddedEngines, tables_behind
from liaoyuan.config.environment import Environment
from tests.engines import ADDRESSES

ENGINES = EmbeddedEngines()


def test_a_process_that_was_pointed_at_another_database_starts_nothing(database: str) -> None:
    """As these tests are: whoever pointed it there looks after its engines."""
    said: list[str] = []
    before = [(state.name, state.pid) for state in engines_status(ADDRESSES)]
    ENGINES.prepare((POSTGRES, MODEL_SERVER), said.append)
    assert [(state.name, state.pid) for state in engines_status(ADDRESSES)] == before
    assert said == []


@pytest.fixture
def forgotten(database: str) -> Iterator[tuple[str, str]]:
    """A migration that the database does not know of, for the length of a test."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations WHERE app = 'accounts' ORDER BY id DESC LIMIT 1")
        found = cursor.fetchone()
        cursor.execute("DELETE FROM django_migrations WHERE (app, name) = (%s, %s)", found)
    yield found
    with connections["owner"].cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", found)


def test_migrated_tables_are_up_to_date(database: str) -> None:
    assert not tables_behind()


def test_one_migration_that_was_not_applied_is_seen(forgotten: tuple[str, str]) -> None:
    assert tables_behind()


PASSWORD = "a-password-of-theirs"
DEAD = f"postgresql://liaoyuan_app:{PASSWORD}@127.0.0.1:1/liaoyuan"


@pytest.fixture
def refused(database: str) -> OperationalError:
    """Django's error for a port on which nobody listens."""
    nobody = connections["default"].copy()
    nobody.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1", "PASSWORD": PASSWORD}
    with pytest.raises(OperationalError) as caught:
        nobody.ensure_connection()
    return caught.value


def test_the_embedded_database_gone_is_told_with_its_log(refused: OperationalError) -> None:
    fault = ENGINES.fault(refused)
    assert fault is not None and fault.code == "embedded_database_away"
    for language in ("zh", "en"):
        assert "postgres.log" in fault.sentence(language) and "manage.py doctor" in fault.sentence(language)
        assert PASSWORD not in fault.sentence(language) and "\n" not in fault.sentence(language)


def test_a_configured_database_gone_is_told_with_its_settings(
    refused: OperationalError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.config.processes.environment", lambda: Environment(database_url=DEAD))
    fault = ENGINES.fault(refused)
    assert fault is not None and fault.code == "configured_database_away"
    for language in ("zh", "en"):
        assert "127.0.0.1" in fault.sentence(language) and "LIAOYUAN_DATABASE_URL" in fault.sentence(language)
        assert PASSWORD not in fault.sentence(language)


@pytest.mark.parametrize(
    ("statement", "code"),
    [("SELECT 1 FROM no_such_table", "tables_behind"), ("SELECT no_such FROM accounts_organization", "tables_behind")],
)
def test_missing_tables_and_columns_are_told_with_the_command_that_makes_them(
    database: str, statement: str, code: str
) -> None:
    with pytest.raises(ProgrammingError) as caught, connections["default"].cursor() as cursor:
        cursor.execute(statement)
    fault = ENGINES.fault(caught.value)
    assert fault is not None and fault.code == code
    assert "manage.py migrate" in fault.sentence("zh") and "no_such" in fault.sentence("en")


def test_a_bug_of_ours_keeps_its_traceback(database: str) -> None:
    with pytest.raises(ProgrammingError) as caught, connections["default"].cursor() as cursor:
        cursor.execute("SELEKT 1")
    assert ENGINES.fault(caught.value) is None


@pytest.fixture
def dropped(organization: Any) -> Iterator[Any]:
    """An organization whose database the system role asks for under a name that is gone."""
    connection = connections["system"]
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "test_dropped"
    yield organization
    connection.close()
    connection.settings_dict["NAME"] = name


def test_a_command_tells_a_database_that_is_gone_as_one_sentence(dropped: Any) -> None:
    with pytest.raises(CommandError, match=r"embedded_database_away: .*没有响应.*test_dropped.* does not answer"):
        call_command("audit", "verify", "--organization", dropped.name)
