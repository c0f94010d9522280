"""manage.py industry: one JSON object, exit 0 when it ran, the verdict in `ok`."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.unit.industry.packs import put


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("industry", *arguments, "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def test_list_shows_the_built_in_packs() -> None:
    packs = {pack["name"]: pack for pack in run("list")["packs"]}
    assert packs["medical"]["ok"]
    assert packs["medical"]["signed_by"] == "liaoyuan-project"


def test_test_reports_the_static_gates() -> None:
    [pack] = run("test", "medical")["packs"]
    assert {"name", "value", "threshold", "passed"} == set(pack["gates"][0])
    assert all(gate["passed"] for gate in pack["gates"])


def test_a_strangers_pack_is_reported_not_raised(pack: Path) -> None:
    report = run("validate", str(pack))
    assert not report["ok"]
    assert report["packs"][0]["problems"][0]["code"] == "pack_signature_refused"


def test_signing_then_tampering_is_seen(pack: Path, key_file: Path) -> None:
    assert run("sign", str(pack), "--key", str(key_file))["ok"]
    put(pack, "NOTICE", "changed")
    codes = {problem["code"] for problem in run("validate", str(pack))["packs"][0]["problems"]}
    assert codes <= {"pack_tampered", "pack_signature_refused"}
    assert codes


def test_an_install_that_is_refused_says_why(pack: Path) -> None:
    [result] = run("install", str(pack))["packs"]
    assert result["problems"][0]["code"] == "pack_signature_refused"
    assert result["problems"][0]["zh"]
    assert result["problems"][0]["en"]


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(CommandError, match="medical"):
        call_command("industry", "validate", "aviation")
