"""What every answer carries, and what nobody can make the platform say."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.integration.surface.conftest import PASSWORD, portal_pages

Window = Callable[..., Client]
POLICY = {
    "default-src": {"'self'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "frame-ancestors": {"'none'"},
}


def directives(answer: Any) -> dict[str, set[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";") if part.strip()]
    return {name: set(values) for name, *values in parts}


def guarded(answer: Any) -> None:
    """The headers of one answer."""
    found = directives(answer)
    assert {name: found.get(name) for name in POLICY} == POLICY
    assert not any("unsafe" in value for values in found.values() for value in values)
    assert "*" not in {value for values in found.values() for value in values}
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_every_page_carries_the_policy(window: Window, owner: Any) -> None:
    client = window(owner)
    for place, method, _ in portal_pages():
        if method == "GET" and not place.view.startswith("liaoyuan.portal.live"):
            answer = client.get(place.url())
            guarded(answer)
            answer.close()


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/invitation", "/enter/x", "/nowhere", "/accounts/password/reset/", "/api/v1/me"]
)
def test_pages_for_strangers_carry_it_too(path: str, window: Window) -> None:
    guarded(window().get(path))


def test_refusals_and_crashes_carry_it_too(window: Window, viewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = window(viewer)
    guarded(client.get("/organization/audit/"))
    guarded(Client(enforce_csrf_checks=True).post("/invitation"))
    monkeypatch.setattr("liaoyuan.portal.people.views.roles_page", _broken)
    crash = client.get("/organization/roles/")
    assert crash.status_code == 500
    guarded(crash)
    text = crash.content.decode()
    for secret in ("Traceback", "sesame", "roles_page", "django", settings.SECRET_KEY, "/work"):
        assert secret not in text


def _broken(*_: object) -> None:
    raise RuntimeError("open sesame")


def test_what_is_personal_is_never_kept_by_a_cache(window: Window, owner: Any) -> None:
    client = window(owner)
    for path in ("/organization/members/", "/account/", "/organization/keys/", "/organization/audit/export.csv"):
        assert "no-store" in client.get(path).headers["Cache-Control"], path


def test_the_session_cookie_is_out_of_reach(window: Window, owner: Any, with_password: Callable[..., Any]) -> None:
    client = window()
    with_password(owner)
    client.post("/accounts/login/", {"login": owner.user.email, "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) >= 32


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "a\\b"])
def test_a_forged_host_is_refused(host: str, window: Window) -> None:
    answer = window().get("/accounts/login/", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_forged_forwarded_host_writes_no_link(window: Window, owner: Any) -> None:
    text = window(owner).get("/organization/keys/", headers={"X-Forwarded-Host": "evil.example"}).content.decode()
    assert "evil.example" not in text


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example"],
)
def test_no_address_of_ours_sends_people_elsewhere(
    target: str, window: Window, owner: Any, with_password: Callable[..., Any]
) -> None:
    with_password(owner)
    form = {"login": owner.user.email, "password": PASSWORD, "next": target}
    places = [
        window().post("/accounts/login/", form),
        window().post("/language/setlang/", {"language": "en", "next": target}),
        window(owner).post("/accounts/logout/", {"next": target}),
        window(owner).get("/accounts/login/", {"next": target}),
        window(owner).post("/organization", {"organization": str(owner.organization_id), "next": target}),
    ]
    for answer in places:
        assert "evil" not in answer.headers.get("Location", "")
        assert "javascript" not in answer.headers.get("Location", "")


def test_another_sites_referrer_is_not_gone_back_to(window: Window, viewer: Any) -> None:
    answer = window(viewer).post("/organization/audit/verify", headers={"Referer": "https://evil.example/x"})
    assert answer.headers["Location"] == "/"


# Too much


def test_a_form_with_thousands_of_fields_is_refused(window: Window, owner: Any) -> None:
    form = {f"field{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert window(owner).post("/account/", form).status_code == 400


def test_a_form_of_many_megabytes_is_refused(window: Window, owner: Any) -> None:
    body = b"name=" + b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    answer = window(owner).post("/account/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {400, 413}


def test_a_form_with_hundreds_of_files_is_refused(window: Window, owner: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    files = {f"f{number}": SimpleUploadedFile(f"{number}.txt", b"x") for number in range(150)}
    assert window(owner).post("/account/", files).status_code == 400
