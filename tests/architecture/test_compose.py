"""docker-compose.yml keeps to the compose specification and to our own rules; no container engine is needed for it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG_RUNNING = sorted(name for name, service in SERVICES.items() if service.get("restart") != "no")


def test_it_is_a_valid_compose_file() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    merged = {key: value for key, value in COMPOSE.items() if not key.startswith("x-")}
    jsonschema.validate(merged, schema)


def test_the_designs_services_are_there() -> None:
    assert {"web", "worker", "beat", "relay", "reaper", "model-server", "postgres", "redis", "ray-head"} <= set(
        SERVICES
    )
    assert SERVICES["ray-head"]["profiles"] == ["ray"]


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_service_is_healthy_or_restarted(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_is_root_or_may_write_its_own_files(name: str) -> None:
    service = SERVICES[name]
    assert str(service["user"]).split(":")[0] not in {"0", "root"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_secrets_are_files_and_no_password_is_written_down() -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"].startswith("./var/secrets/"), name
    for name, service in SERVICES.items():
        for key, value in (service.get("environment") or {}).items():
            assert not any(word in key for word in ("PASSWORD", "SECRET", "TOKEN", "PEPPER")) or key.endswith(
                ("_FILE", "_PATH")
            ), f"{name}.{key}={value}"


def test_only_the_web_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
