"""What an operator may set, and which doors the platform refuses to leave open."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from liaoyuan.config.environment import ROOT, Environment, local_secret
from liaoyuan.config.single_sign_on import oidc_origins

STRONG = "q7" * 20
DATABASE = "postgresql://role:word@db/liaoyuan"
PRODUCTION = {
    "mode": "production",
    "secret_key": STRONG,
    "key_pepper": STRONG[::-1],
    "allowed_hosts": "portal.example.org",
    "database_url": DATABASE,
    "database_owner_url": DATABASE,
    "database_system_url": DATABASE,
    "redis_url": "redis://:word@redis/0",
}


def refusal(**changes: object) -> str:
    with pytest.raises(ValidationError) as error:
        Environment(**PRODUCTION | changes)
    return str(error.value)


def test_a_complete_production_setting_is_accepted() -> None:
    assert Environment(**PRODUCTION).mode == "production"


def test_the_embedded_mode_needs_nothing() -> None:
    assert Environment(mode="embedded").debug is False


@pytest.mark.parametrize("name", ["secret_key", "key_pepper"])
@pytest.mark.parametrize(
    "value",
    ["short", "x" * 31, "changeme" * 8, "CHANGE-ME" * 5, "django-insecure-" + "k" * 40, "password" * 6, "Secret" * 9],
)
def test_sample_and_short_secrets_are_refused_in_every_mode(name: str, value: str) -> None:
    assert f"LIAOYUAN_{name.upper()}" in refusal(**{name: value})
    with pytest.raises(ValidationError):
        Environment(mode="embedded", **{name: value})


def test_a_refusal_does_not_print_the_secrets() -> None:
    told = refusal(debug=True)
    assert STRONG not in told
    assert "word@" not in told


def test_debug_is_refused_in_production() -> None:
    assert "LIAOYUAN_DEBUG" in refusal(debug=True)


@pytest.mark.parametrize("hosts", ["*", "portal.example.org,*", "*.example.org"])
def test_hosts_with_a_star_are_refused_in_production(hosts: str) -> None:
    assert "LIAOYUAN_ALLOWED_HOSTS" in refusal(allowed_hosts=hosts)


@pytest.mark.parametrize(
    "name", ["secret_key", "key_pepper", "database_url", "database_owner_url", "database_system_url", "redis_url"]
)
def test_production_names_what_is_missing(name: str) -> None:
    assert f"production needs LIAOYUAN_{name.upper()} " in refusal(**{name: ""})


@pytest.mark.parametrize(("name", "value"), [("mode", "prod"), ("language", "fr"), ("lease_seconds", "soon")])
def test_values_that_do_not_exist_are_refused(name: str, value: str) -> None:
    assert name in refusal(**{name: value})


def test_every_setting_is_in_the_operators_table() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert [name for name in Environment.model_fields if f"`{name.upper()}`" not in text] == []


def started(**variables: str) -> "subprocess.CompletedProcess[str]":
    code = "from liaoyuan.config.environment import environment; print(environment().key_pepper.get_secret_value())"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIAOYUAN_")}
    kept["PYTHONPATH"] = str(ROOT / "platform")
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | variables, capture_output=True, text=True, timeout=120
    )


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pepper"
    file.write_text(f"  {STRONG}\n", encoding="utf-8")
    assert started(LIAOYUAN_KEY_PEPPER_FILE=str(file)).stdout.strip() == STRONG


def test_a_secret_from_a_file_is_weighed_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "pepper"
    file.write_text("changeme", encoding="utf-8")
    result = started(LIAOYUAN_KEY_PEPPER_FILE=str(file))
    assert result.returncode != 0
    assert "LIAOYUAN_KEY_PEPPER" in result.stderr


def test_a_secret_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    result = started(LIAOYUAN_KEY_PEPPER_FILE=str(tmp_path / "nowhere"))
    assert result.returncode != 0
    assert str(tmp_path / "nowhere") in result.stderr


def test_a_local_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = local_secret(tmp_path, "pepper")
    file = tmp_path / "secrets" / "pepper"
    assert len(first) >= 48
    assert local_secret(tmp_path, "pepper") == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_names_are_two_secrets(tmp_path: Path) -> None:
    assert local_secret(tmp_path, "one") != local_secret(tmp_path, "two")


def test_many_who_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: local_secret(tmp_path, "pepper"), range(64)))
    assert len(found) == 1
    assert [file.name for file in (tmp_path / "secrets").iterdir()] == ["pepper"]


def test_signing_in_may_lead_to_the_providers_other_hosts() -> None:
    env = Environment(
        mode="embedded", oidc_issuer="https://id.example.org/realm", oidc_origins=("https://login.example.org",)
    )
    assert oidc_origins(env) == ["https://id.example.org", "https://login.example.org"]
    assert oidc_origins(Environment(mode="embedded", oidc_origins=("https://login.example.org",))) == []


@pytest.mark.parametrize("origin", ["http://login.example.org", "https://login.example.org/path", "https://*.org", "*"])
def test_an_origin_is_one_host_over_https(origin: str) -> None:
    with pytest.raises(ValidationError, match="LIAOYUAN_OIDC_ORIGINS"):
        Environment(mode="embedded", oidc_origins=(origin,))
