"""After `make setup` alone every command works: real processes in an empty folder, nothing started before.

The first command starts what it needs and says so on stderr; stdout holds the JSON alone.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liaoyuan.compute.engines.addresses import POSTGRES_SOCKET, engine_addresses
from liaoyuan.compute.engines.manager import engines_status
from tests.engines import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
RULES = "# 输液记录管理制度\n\n第一条 输液记录保存三年。\n\n第二条 护士每十五分钟巡视一次，并在输液卡上签名。\n"
DEAD = "postgresql://liaoyuan_app:a-password-of-theirs@127.0.0.1:1/liaoyuan"
PARTED = ("DATABASE_URL", "DATABASE_SYSTEM_URL", "DATABASE_OWNER_URL")


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def answer(self) -> dict[str, Any]:
        """The one object that stdout must consist of."""
        assert self.code == 0, self.err[-3000:]
        found: dict[str, Any] = json.loads(self.out)
        return found


class Machine:
    """One var folder with nothing in it."""

    def __init__(self, var: Path) -> None:
        self.var, self.addresses = var, engine_addresses(var)

    def begin(self, *words: str, **settings: str) -> "subprocess.Popen[str]":
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("LIAOYUAN_", "DJANGO_"))}
        given = {f"LIAOYUAN_{key}": value for key, value in settings.items()} | {"LIAOYUAN_VAR": str(self.var)}
        argv = [sys.executable, str(ROOT / "manage.py"), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=ROOT, env=kept | given, stdout=pipe, stderr=pipe, text=True)

    def manage(self, *words: str, **settings: str) -> Done:
        began = time.monotonic()
        child = self.begin(*words, **settings)
        out, err = child.communicate(timeout=300)
        return Done(child.returncode, out, err, time.monotonic() - began)

    def running(self) -> set[str]:
        return {state.name for state in engines_status(self.addresses) if state.running}


def machine_new(folder: Path) -> Iterator[Machine]:
    found = Machine(folder / "var")
    yield found
    found.manage("down")
    assert found.running() == set()
    shutil.rmtree(found.var, ignore_errors=True)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The tests of this module walk through it in their order, as an evaluator does."""
    yield from machine_new(tmp_path_factory.mktemp("first"))


@pytest.fixture
def other_machine(tmp_path: Path) -> Iterator[Machine]:
    yield from machine_new(tmp_path)


def test_commands_that_use_no_engine_start_none(machine: Machine, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": 1, "text": "患者张伟明，电话13800138000。"}\n', encoding="utf-8")
    guard = machine.manage("security", "guard", "--json", "--industry", "medical", "--side", "input", str(texts))
    assert guard.answer["rows"][0]["action"] == "mask"
    found = machine.manage("data", "pii", "--json", str(texts)).answer["rows"][0]["spans"]
    assert {span["label"] for span in found} == {"PERSON", "PHONE"}
    checks = {check["name"]: check["ok"] for check in machine.manage("doctor", "--json").answer["checks"]}
    assert (checks["secrets"], checks["database"], checks["model_server"]) == (True, False, False)
    assert machine.running() == set()


def test_two_first_commands_at_once_both_work_and_start_the_database_alone(machine: Machine) -> None:
    names = ("市一院", "市二院")
    children = [machine.begin("organization", "create", name, "--json") for name in names]
    ended = [(*child.communicate(timeout=300), child.returncode) for child in children]
    answers = [json.loads(out) for out, _, code in ended if code == 0]
    assert [answer["name"] for answer in answers] == list(names), ended
    assert all(answer["created"] for answer in answers)
    assert any("正在后台启动：PostgreSQL" in err and "Starting PostgreSQL" in err for _, err, _ in ended)
    assert not any("Traceback" in err for _, err, _ in ended)
    assert machine.running() == {"postgres"}


def test_when_all_runs_a_command_says_nothing(machine: Machine) -> None:
    again = machine.manage("organization", "create", "市一院", "--json")
    assert (again.answer["created"], again.err) == (False, "")


def test_a_document_is_imported_and_asked_by_a_model_server_that_the_import_started(
    machine: Machine, tmp_path: Path
) -> None:
    file = tmp_path / "rules.md"
    file.write_text(RULES, encoding="utf-8")
    where = ("--organization", "市一院", "--collection", "制度", "--json")
    imported = machine.manage("knowledge", "import", *where, str(file))
    assert imported.answer["counts"] == {"ready": 1}
    assert "模型服务" in imported.err and "PostgreSQL" not in imported.err
    assert machine.running() == {"postgres", "model_server"}
    asked = machine.manage("knowledge", "ask", *where, "输液记录保存多久？")
    assert "三年" in asked.answer["answer"] and asked.answer["citations"][0]["document"] == "输液记录管理制度"
    assert asked.err == ""
    version = imported.answer["files"][0]["version_id"]
    graph = machine.manage("lineage", "--organization", "市一院", "--of", f"document_version:{version}", "--json")
    assert graph.answer["of"] == f"document_version:{version}"


def test_engines_that_were_stopped_come_back_with_the_next_command(machine: Machine) -> None:
    assert machine.manage("engines", "down").code == 0 and machine.running() == set()
    verified = machine.manage("audit", "verify", "--organization", "市一院", "--json")
    assert verified.answer["ok"] is True
    assert "Starting PostgreSQL" in verified.err
    # The tables are there: only what is missing is made.
    assert "数据表" not in verified.err
    assert machine.running() == {"postgres"}


def test_an_operator_can_sign_in_without_anything_else(machine: Machine) -> None:
    assert machine.manage("operators", "add", "ops@example.org").code == 0
    assert machine.manage("login", "ops@example.org", "--json").answer["path"].startswith("/")


def test_a_pipeline_that_nobody_will_begin_says_so(machine: Machine) -> None:
    where = ("--organization", "市一院", "--solution", "问答", "--json")
    scenario = ("--industry", "medical", "--scenario", "guideline-qa", "--collection", "制度")
    assert machine.manage("solution", "create", *where, *scenario).answer["created"] is True
    first = machine.manage("solution", "run", *where).answer["stages"][0]
    assert first["state"] == "queued" and "make up" in first["zh"] and "make up" in first["en"]
    assert machine.running() == {"postgres"}


def test_a_database_that_goes_away_afterwards_is_told_without_a_traceback(machine: Machine) -> None:
    door = machine.addresses.sockets / POSTGRES_SOCKET
    away = door.with_name("away")
    door.rename(away)
    try:
        lost = machine.manage("audit", "verify", "--organization", "市一院", "--json")
    finally:
        away.rename(door)
    assert (lost.code, lost.out) == (1, "")
    assert "embedded_database_away" in lost.err and "没有响应" in lost.err and "manage.py doctor" in lost.err
    assert "Traceback" not in lost.err
    assert machine.manage("audit", "verify", "--organization", "市一院", "--json").answer["ok"] is True


def test_engines_without_tables_get_them(other_machine: Machine) -> None:
    assert other_machine.manage("engines", "up", "--only", "postgres").code == 0
    made = other_machine.manage("organization", "create", "市一院", "--json")
    assert made.answer["created"] is True
    assert "数据表" in made.err and "PostgreSQL" not in made.err


@pytest.mark.parametrize("head_start", [0.0, 7.0], ids=["at once", "while the command starts its engine"])
def test_make_up_beside_a_first_command_starts_each_engine_once(other_machine: Machine, head_start: float) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = other_machine.begin("organization", "create", "市一院", "--json")
    time.sleep(head_start)
    up = other_machine.begin("up", "--json", PORT=str(port))
    try:
        out, err = command.communicate(timeout=300)
        assert command.returncode == 0 and json.loads(out)["created"] is True, err
        assert up.stdout is not None
        assert any("Portal" in line or "门户" in line for line in up.stdout), up.communicate()[1]
        # The portal does not wait for the model server.
        assert other_machine.running() >= {"postgres", "valkey"}
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=120)
    assert up.returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("organization", "create", "X", "--json"),
        ("knowledge", "ask", "--organization", "X", "--collection", "C", "Q", "--json"),
    ],
    ids=["organization", "knowledge"],
)
def test_a_configured_database_that_is_dead_is_told_and_nothing_takes_its_place(
    other_machine: Machine, words: tuple[str, ...]
) -> None:
    given = dict.fromkeys(PARTED, DEAD) | {"MODEL_SERVER_URL": "http://127.0.0.1:1"}
    refused = other_machine.manage(*words, **given)
    assert (refused.code, refused.out) == (1, "")
    assert "configured_database_away" in refused.err and "LIAOYUAN_DATABASE_URL" in refused.err
    assert "没有响应" in refused.err and "does not answer" in refused.err
    assert "Traceback" not in refused.err and "a-password-of-theirs" not in refused.err
    assert not other_machine.addresses.postgres_data.exists() and other_machine.running() == set()
