"""Single sign-on in a real browser, with a provider whose sign-in page stands on another host than its issuer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser.conftest import Visit, in_thread
from tests.conftest import _member, _organization
from tests.integration.accounts.provider import CLIENT_ID, CLIENT_SECRET, Provider, provider_running

NAME = "医院统一认证"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with provider_running() as found:
        yield found


@pytest.fixture(scope="module")
def desk(issuer: Provider) -> Iterator[Provider]:
    """The host with the page on which people sign in. It hands its codes to the issuer."""
    with provider_running() as found:
        found.codes = issuer.codes
        issuer.sign_in = found.url
        yield found


@pytest.fixture
def known(issuer: Provider, desk: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The operator named the issuer and the origin of its sign-in page; it knows a member, by this address."""
    email = in_thread(lambda: str(_member(_organization("sso"), "viewer").user.email))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    app = {"provider_id": "sso", "name": NAME, "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
    app["settings"] = {"server_url": issuer.url}  # type: ignore[assignment]
    providers = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    monkeypatch.setattr(settings, "SOCIALACCOUNT_PROVIDERS", providers)
    issuer.issuer, desk.bent = "", {}
    issuer.claims = {"sub": f"sub-{uuid4()}", "email": email, "email_verified": True, "name": "林"}
    with form_action(issuer.url, desk.url):
        yield email


@contextmanager
def form_action(*origins: str) -> Iterator[None]:
    """What the settings make of LIAOYUAN_OIDC_ISSUER and LIAOYUAN_OIDC_ORIGINS."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    before = directives["form-action"]
    directives["form-action"] = ["'self'", *origins]
    try:
        yield
    finally:
        directives["form-action"] = before


def begin(seen: Visit) -> None:
    seen.go("/accounts/login/")
    seen.page.get_by_role("button", name=NAME).click()


def test_the_whole_way_over_another_host_and_back(
    visit: Callable[..., Visit], known: str, issuer: Provider, desk: Provider
) -> None:
    seen = visit()

    begin(seen)

    seen.page.wait_for_url(f"{seen.url}/")
    expect(seen.page.locator("h1")).to_be_visible()
    assert "/authorize" in desk.asked
    assert "/authorize" not in issuer.asked
    assert not [text for text in seen.complaints if "Content Security Policy" in text]


def test_by_keyboard_alone(visit: Callable[..., Visit], known: str) -> None:
    seen = visit(375, "en-US", "dark")
    seen.go("/accounts/login/")

    seen.page.get_by_role("button", name=NAME).focus()
    seen.page.keyboard.press("Enter")

    seen.page.wait_for_url(f"{seen.url}/")


def test_a_sign_in_page_on_a_host_that_nobody_named_is_never_asked(
    visit: Callable[..., Visit], known: str, issuer: Provider, desk: Provider
) -> None:
    seen = visit()
    desk.asked.clear()

    with form_action(issuer.url):
        begin(seen)
        wait_for(seen, "form-action")

    assert "/authorize" not in desk.asked
    assert seen.page.url.startswith(seen.url)


@pytest.mark.parametrize(
    ("what", "bent"),
    [
        ("a state that we never gave", {"state": "somebody-elses"}),
        ("no state", {"state": ""}),
        ("a code that the issuer never gave", {"code": "guessed"}),
    ],
)
def test_an_answer_that_does_not_fit_signs_nobody_in(
    visit: Callable[..., Visit], known: str, desk: Provider, what: str, bent: dict[str, str]
) -> None:
    seen = visit()
    desk.bent = bent

    begin(seen)

    seen.page.wait_for_url("**/accounts/oidc/sso/login/callback/**")
    nobody(seen)


@pytest.mark.parametrize(
    ("what", "claims"),
    [
        ("another issuer", {"iss": "https://elsewhere.example.org"}),
        ("another audience", {"aud": "another-client"}),
        ("an end that has passed", {"exp": 1}),
    ],
)
def test_a_token_that_does_not_fit_signs_nobody_in(
    visit: Callable[..., Visit], known: str, issuer: Provider, what: str, claims: dict[str, Any]
) -> None:
    seen = visit()
    issuer.claims = issuer.claims | claims

    begin(seen)

    seen.page.wait_for_url("**/accounts/oidc/sso/login/callback/**")
    nobody(seen)


def nobody(seen: Visit) -> None:
    """The window is told so, and the portal asks it to sign in."""
    expect(seen.page.locator("h1")).to_be_visible()
    seen.go("/")
    seen.page.wait_for_url("**/accounts/login/**")


def wait_for(seen: Visit, words: str) -> None:
    """Until the console says so; what it says comes a moment after the click."""
    for _ in range(200):
        if any(words in text for text in seen.complaints):
            return
        seen.page.wait_for_timeout(100)
    raise AssertionError(seen.complaints)
