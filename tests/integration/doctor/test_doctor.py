"""The doctor on a healthy installation, and what it says of each thing that is wrong."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from liaoyuan.broker import QUEUES
from liaoyuan.config.doctor import machine, services
from liaoyuan.config.management.commands.doctor import PROBES
from liaoyuan.pipeline.services import worker_beat, worker_gone


def doctor(*arguments: str) -> tuple[list[dict[str, Any]], int]:
    """The checks that ``manage.py doctor … --json`` printed, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("doctor", *arguments, "--json", stdout=out)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return json.loads(out.getvalue().strip().splitlines()[-1])["checks"], code


def of(checks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(check for check in checks if check["name"] == name)


def test_what_is_healthy_is_ok_and_has_nothing_to_mend() -> None:
    names = "model_files,disk,secrets,ports,packs,database,roles,row_level_security,broker"
    checks, code = doctor("--only", names)
    assert [check for check in checks if not check["ok"]] == []
    assert code == 0
    assert {check["name"] for check in checks} >= {
        "model_files",
        "disk",
        "database",
        "pgvector",
        "migrations",
        "roles",
        "row_level_security",
        "broker",
        "broker_password",
        "pack:medical",
        "pack:energy",
        "pack:education",
    }
    assert all(check["detail"] for check in checks)


def test_every_check_says_ok_detail_and_mend_and_a_run_exits_0_whatever_it_found(settings: Any) -> None:
    settings.MODEL_SERVER_URL = "http://127.0.0.1:9"
    settings.MODEL_SERVER_TOKEN = "none"
    checks, code = doctor()
    assert code == 0
    for check in checks:
        assert {"name", "ok", "detail", "mend"} <= set(check)
        assert check["ok"] or check["mend"], check
    assert of(checks, "python")["ok"] is True
    assert of(checks, "model_server")["ok"] is False


def test_a_model_server_that_is_down_is_named_with_the_way_to_start_it(settings: Any) -> None:
    settings.MODEL_SERVER_URL = "http://127.0.0.1:9"
    checks, code = doctor("--only", "model_server")
    assert code == 1
    assert checks[0]["ok"] is False and checks[0]["detail"]
    assert "engines up" in checks[0]["mend"]


def test_a_broker_that_is_down_is_named(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    (check,) = doctor("--only", "broker")[0]
    assert check["ok"] is False and "engines up" in check["mend"]


def test_queues_without_a_worker_are_not_ok_and_with_one_they_are() -> None:
    (check,) = services.workers()
    assert check.ok is False and "make up" in check.mend_en
    worker_beat(name="doctor's test", queues=QUEUES, slots=1)
    try:
        (check,) = services.workers()
    finally:
        worker_gone(name="doctor's test")
    assert check.ok is True, check.detail


def test_secrets_that_others_may_read_are_named(tmp_path: Path, settings: Any) -> None:
    settings.VAR = tmp_path
    (tmp_path / "secrets").mkdir()
    for name, mode in (("good", 0o600), ("open", 0o644)):
        path = tmp_path / "secrets" / name
        path.write_text("x", encoding="utf-8")
        path.chmod(mode)
    (check,) = machine.secrets()
    assert check.ok is False
    assert "open" in check.detail and "good" not in check.detail
    assert "chmod" in check.mend_zh


def test_a_pack_that_was_tampered_with_is_named_and_the_others_stay_ok(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "industries"
    for name in ("medical", "energy"):
        shutil.copytree(Path(settings.INDUSTRY_FOLDERS[0]) / name, folder / name)
    with (folder / "energy" / "industry.toml").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    settings.INDUSTRY_FOLDERS = (folder,)
    found = {check.name: check for check in machine.packs()}
    assert found["pack:medical"].ok is True
    assert found["pack:energy"].ok is False and found["pack:energy"].mend_en


def test_a_table_without_forced_row_level_security_is_named(database: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE operations_dailyrollup NO FORCE ROW LEVEL SECURITY")
    try:
        (check,) = services.row_level_security()
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE operations_dailyrollup FORCE ROW LEVEL SECURITY")
    assert check.ok is False and "operations_dailyrollup" in check.detail
    assert services.row_level_security()[0].ok is True


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CommandError) as caught:
        doctor("--only", "disk,nonsense")
    assert "nonsense" in str(caught.value) and "row_level_security" in str(caught.value)


def test_people_get_a_table_with_an_arrow_where_something_is_wrong(settings: Any) -> None:
    settings.MODEL_SERVER_URL = "http://127.0.0.1:9"
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", "--only", "disk,model_server", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("ok  disk") and lines[1].startswith("NO  model_server")
    assert "→" in lines[2]


def test_every_probe_has_its_way_to_mend_in_both_languages() -> None:
    for probe, zh, en in PROBES.values():
        assert callable(probe) and zh and en
