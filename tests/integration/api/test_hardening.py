"""What a browser must not be made to do, what a flood must not reach, and what the operator's probes say."""

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from liaoyuan.pipeline.models import WorkerBeat
from tests.conftest import _member, _organization
from tests.integration.api.conftest import Server

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery 42"


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[httpx.Client]:
    """A signed-in owner's browser, by the real login page."""
    owner = _member(_organization("signed in"), "owner")
    owner.user.set_password(PASSWORD)
    owner.user.save()
    with server.client() as client:
        page = client.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        form = {"login": owner.user.email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = client.post("/accounts/login/", data=form, headers={"Referer": str(client.base_url)})
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        yield client


def test_a_session_reads_and_with_its_token_writes(session: httpx.Client) -> None:
    assert session.get("/api/v1/me").json()["channel"] == "session"
    token = {"X-CSRFToken": session.cookies["csrftoken"]}
    assert session.post("/api/v1/collections", json={"name": "x"}, headers=token).status_code == 201


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example", "X-CSRFToken": "token"}, {"X-CSRFToken": "wrong" * 8}]
)
def test_a_forged_write_is_refused(headers: dict[str, str], session: httpx.Client) -> None:
    if headers.get("X-CSRFToken") == "token":
        headers = headers | {"X-CSRFToken": session.cookies["csrftoken"]}
    answer = session.post("/api/v1/collections", json={"name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")


def test_a_wrong_key_does_not_fall_back_to_the_session(session: httpx.Client) -> None:
    assert session.get("/api/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_no_site_may_read_across_origins(server: Server) -> None:
    with server.client(Origin="https://evil.example") as client:
        for path in ("/accounts/login/", "/v1/models", "/api/v1/me", "/health/live"):
            assert "access-control-allow-origin" not in client.get(path).headers


def test_an_unknown_host_is_refused(server: Server) -> None:
    with server.client(Host="evil.example") as client:
        assert client.get("/accounts/login/").status_code == 400


def test_pages_carry_a_strict_policy(server: Server) -> None:
    with server.client() as client:
        headers = client.get("/accounts/login/").headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_v1_and_health_carry_theirs(server: Server) -> None:
    with server.client() as client:
        for path in ("/v1/models", "/health/live"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


def test_a_body_beyond_the_limit_is_not_read(server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    with server.client(key_of(owner)) as client:
        large = client.post("/v1/chat/completions", content=b"x" * ((1 << 20) + 1))
        assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        head = f"POST /api/v1/collections HTTP/1.1\r\nHost: {host}\r\nContent-Length: {1 << 40}\r\n\r\n"
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100_000, b'{"model": 1}', b"\xff\xfe"])
def test_broken_json_is_a_clear_refusal(body: bytes, server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    with server.client(key_of(owner), **{"Content-Type": "application/json"}) as client:
        assert client.post("/v1/chat/completions", content=body).status_code == 422
        answer = client.post("/api/v1/collections", content=body)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("accept", "word"), [("zh-CN,en;q=0.5", "登录"), ("en-GB", "Sign in"), ("fr", "登录"), ("", "登录")]
)
def test_errors_speak_the_callers_language(accept: str, word: str, server: Server) -> None:
    with server.client(**{"Accept-Language": accept}) as client:
        assert word in client.get("/api/v1/me").json()["detail"]
        assert word in client.get("/v1/models").json()["error"]["message"]


def test_live_and_ready_say_what_is_missing(server: Server, settings: Any) -> None:
    settings.MODEL_SERVER_URL = "http://127.0.0.1:1"
    # Other tests of this session may have left a worker's sign of life.
    WorkerBeat.objects.all().delete()
    with server.client(**{"Accept-Language": "en"}) as client:
        assert client.get("/health/live").json() == {"status": "live"}
        answer = client.get("/health/ready")
    checks = {check["name"]: check for check in answer.json()["checks"]}
    assert answer.status_code == 503
    assert checks["database"]["ok"] and checks["broker"]["ok"]
    assert not checks["model_server"]["ok"] and "manage.py" in checks["model_server"]["reason"]
    assert not checks["worker"]["ok"] and "make up" in checks["worker"]["reason"]


def test_metrics_are_for_the_machine_itself_or_a_token(server: Server, settings: Any) -> None:
    token = secrets.token_urlsafe(32)
    file = Path(settings.VAR) / "secrets" / "metrics_token"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(token, encoding="utf-8")
    try:
        with server.client() as client:
            assert "liaoyuan_queue_depth" in client.get("/metrics").text
            through_proxy = {"X-Forwarded-For": "203.0.113.9"}
            assert client.get("/metrics", headers=through_proxy).status_code == 401
            assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 401
            known = through_proxy | {"Authorization": f"Bearer {token}"}
            assert client.get("/metrics", headers=known).status_code == 200
            wrong = through_proxy | {"Authorization": f"Bearer {token[:-1]}x"}
            assert client.get("/metrics", headers=wrong).status_code == 401
    finally:
        file.unlink()


def test_django_finds_nothing_to_say_about_a_production_deployment() -> None:
    url = "postgresql://u:p@127.0.0.1/liaoyuan"
    production = {
        "LIAOYUAN_MODE": "production",
        "LIAOYUAN_SECRET_KEY": secrets.token_urlsafe(50),
        "LIAOYUAN_KEY_PEPPER": secrets.token_urlsafe(50),
        "LIAOYUAN_DATABASE_URL": url,
        "LIAOYUAN_DATABASE_OWNER_URL": url,
        "LIAOYUAN_DATABASE_SYSTEM_URL": url,
        "LIAOYUAN_REDIS_URL": "redis://:p@127.0.0.1/0",
        "LIAOYUAN_ALLOWED_HOSTS": "liaoyuan.example.org",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | production, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_compiled_catalogue_is_what_gettext_reads(tmp_path: Path) -> None:
    import gettext

    from liaoyuan.portal.catalogue import catalogues_compile

    source = tmp_path / "zh" / "LC_MESSAGES" / "x.po"
    source.parent.mkdir(parents=True)
    plural = 'msgid "one"\nmsgid_plural "%d many"\nmsgstr[0] "%d 个"\n'
    head = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n'
    )
    source.write_text(
        f'{head}\nmsgid "a"\nmsgstr "甲\\n"\n"乙"\n\n{plural}\nmsgid "none"\nmsgstr ""\n', encoding="utf-8"
    )
    catalogues_compile(tmp_path)
    found = gettext.translation("x", tmp_path, ["zh"])
    assert found.gettext("a") == "甲\n乙"
    assert found.ngettext("one", "%d many", 3) == "%d 个"
    assert found.gettext("none") == "none"
    assert catalogues_compile(tmp_path) == []
