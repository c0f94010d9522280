"""What leaves the house in a support bundle, and what the settings page shows: no secret, no tenant's word."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from liaoyuan.accounts.services import api_key_create, login_link_create
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.config.shown import _masked, secrets_known, settings_shown
from liaoyuan.console.models import OperatorEvent
from liaoyuan.console.support.bundle import CONTENTS, PARTS, bundle_stream
from liaoyuan.console.support.scrub import Scrubber
from liaoyuan.pipeline.models import StageEvent, StageRun

TEXTS = ("患者李四的病历", "the patient complained of chest pain", "张伟", "13912345678", "110101199003074514")


@pytest.fixture
def told_everything(organization: Any, owner: Any, run: Any) -> list[str]:
    """A tenant whose words stand in its rows and, by somebody's mistake, in a log; everything that must not go out."""
    with tenant_context(organization.id, owner.user_id):
        _, raw = api_key_create(member=owner, name="k", scopes=frozenset({"ask"}))
        values = {"spec": {"q": TEXTS[0]}, "message_zh": TEXTS[0], "message_en": TEXTS[1], "state": "failed"}
        StageRun.objects.filter(id=run.id).update(**values, error={"code": "x", "zh": TEXTS[0], "en": TEXTS[1]})
        StageEvent.objects.create(organization_id=organization.id, run_id=run.id, kind="log", data={"m": TEXTS[1]})
    link = login_link_create(user=owner.user)
    secrets = secrets_known()
    assert len(secrets) >= 3
    words = [*TEXTS, organization.name, owner.user.email, raw, raw.split("_", 2)[2], link.rsplit("/", 1)[1], *secrets]
    folder = Path(settings.VAR) / "log"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        *(f'2026-11-22 11:24:25,551 ERROR liaoyuan.web question "{word}" failed' for word in words),
        *(f"2026-11-22 11:24:25,551 ERROR liaoyuan.web token={word}" for word in words[-8:]),
        f"2026-11-22 03:25:25.111 UTC [1] STATEMENT:  SELECT '{TEXTS[1]}' || x",
        f"DETAIL:  Failing row contains ({TEXTS[1]}, 3).",
        f"GET {link} 200",
        f"postgresql://liaoyuan_app:{secrets[0]}@db/liaoyuan",
        *(f"plain {word} in the middle" for word in words if word != TEXTS[1]),
        "2026-11-22 11:24:25,551 INFO liaoyuan.relay relay starts",
    ]
    log = folder / f"planted-{uuid4().hex}.log"
    log.write_text("\n".join(lines), encoding="utf-8")
    return words


def opened(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


async def body(response: Any) -> bytes:
    """As the web server takes it: no part is made while another request waits."""
    return b"".join([piece async for piece in response])


def test_the_bundle_tells_everything_but_what_is_secret_or_a_tenants(
    told_everything: list[str], operator: Client, operator_user: Any, run: Any
) -> None:
    response = operator.post(reverse("console_support_bundle"))
    assert response.streaming
    assert re.fullmatch(r'attachment; filename="liaoyuan-support-\d{8}-\d{6}\.zip"', response["Content-Disposition"])
    files = opened(async_to_sync(body)(response))

    assert {name for name, _ in CONTENTS if "." in name} | {"README.txt"} <= set(files)
    leaked = {(name, word) for name, text in files.items() for word in told_everything if word in text}
    assert leaked == set()
    for name in PARTS:
        assert "missing" not in json.loads(files[name]), name
    assert str(run.id) in files["runs.json"]
    planted = next(text for name, text in files.items() if "planted" in name)
    assert "relay starts" in planted
    assert "[secret]" in planted
    with system_context("test") as alias:
        noted = OperatorEvent.objects.using(alias).filter(actor=operator_user.id, action="console.support_bundle")
        assert noted.count() == 1


def test_the_command_writes_the_same_for_the_owner_of_the_file_alone(tmp_path: Path, database: str) -> None:
    out = tmp_path / "support.zip"
    call_command("support", "bundle", "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    assert set(PARTS) < set(opened(out.read_bytes()))
    with pytest.raises(CommandError):
        call_command("support", "bundle", "--out", str(out))


def test_a_part_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    def broken() -> None:
        raise RuntimeError("with a secret in it")

    monkeypatch.setitem(PARTS, "health.json", broken)
    files = opened(b"".join(bundle_stream()))
    assert json.loads(files["health.json"]) == {"missing": "RuntimeError"}
    assert "with a secret in it" not in "".join(files[name] for name in PARTS)
    assert "doctor.json" in files


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("GET /x?q=hello&y=1 200", "GET /x?[…] 200"),
        ('  File "/srv/liaoyuan/x.py", line 3, in go', '  File "/srv/liaoyuan/x.py", line 3, in go'),
        ("ValueError: no such model “院感”", "ValueError: no such model […]"),
        (
            "run 5d7b9b0e-9d1c-4d0e-8f4b-0f4f6f1f2a3b: data stopped",
            "run 5d7b9b0e-9d1c-4d0e-8f4b-0f4f6f1f2a3b: data stopped",
        ),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [secret]"),
        ("the token expired, password: hunter2", "the token expired, password: [secret]"),
        ("call 13912345678 now", "call […] now"),
        ("mail a.b@c.example today", "mail […] today"),
        ("redis://:hunter22@10.0.0.1/0", "redis://:[secret]@10.0.0.1/0"),
    ],
)
def test_a_log_line_is_scrubbed(raw: str, left: str) -> None:
    assert Scrubber(secrets=[]).line(raw) == left


def test_a_known_secret_or_name_goes_wherever_it_stands() -> None:
    scrubber = Scrubber(secrets=["s3cr3tvalue"], names=["General Hospital"])
    assert scrubber.line("at General Hospital with xs3cr3tvaluey") == "at […] with x[secret]y"


def test_the_settings_page_shows_no_secret_and_not_even_its_length(operator: Client) -> None:
    page = operator.get(reverse("console_settings")).content.decode()
    for secret in secrets_known():
        assert secret not in page
    shown = {each.name: each for each in settings_shown()}
    assert {each.value for each in shown.values() if each.secret} <= {"set", "not set"}
    assert {"LIAOYUAN_SECRET_KEY", "LIAOYUAN_MODEL_SERVER_TOKEN", "LIAOYUAN_PORT"} <= set(shown)
    assert "Django" in page
    assert "BSD" in page


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("postgresql://app:hunter2@db:5432/ly", "postgresql://app:•••@db:5432/ly"),
        ("postgresql://db/ly?user=app&password=hunter2", "postgresql://db/ly?•••"),
        ("redis://:p%40ss@cache/0", "redis://:•••@cache/0"),
        ("https://portal.example.org", "https://portal.example.org"),
        ("http://[bad", "•••"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, masked: str) -> None:
    assert _masked(address) == masked
