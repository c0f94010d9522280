"""Signing in through an OpenID Connect provider: members and invited people come in, nobody else, by no trick."""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client

from liaoyuan.accounts.models import AuditEvent, Invitation, Member, Role, User
from liaoyuan.accounts.resolver import principals_of_user
from liaoyuan.accounts.services import invitation_create, invitation_revoke, member_disable
from liaoyuan.accounts.tenancy import tenant_context
from tests.integration.accounts.provider import CLIENT_ID, CLIENT_SECRET, Provider, provider_running

LOGIN = "/accounts/oidc/sso/login/"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider_running() as found:
        yield found


@pytest.fixture
def provider(running: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch, database: str) -> Provider:
    """The platform knows it, and reaches it past any proxy of the machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running.issuer, running.audience = "", CLIENT_ID
    app = {"provider_id": "sso", "name": "医院统一认证", "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
    app["settings"] = {"server_url": running.url}  # type: ignore[assignment]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
    return running


def authorize(url: str) -> str:
    """What the browser does at the provider: follow it there, and be sent back."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    place = connection.getresponse().headers["Location"]
    connection.close()
    back = urlsplit(place)
    return f"{back.path}?{back.query}"


def come(browser: Client, provider: Provider, email: str, *, verified: bool = True, sub: str = "", **more: Any) -> Any:
    """The whole way of somebody with this address; the last answer."""
    provider.claims = {"sub": sub or f"sub-{email}", "email": email, "email_verified": verified, "name": "林"} | more
    begun = browser.post(LOGIN)
    assert begun.status_code == 302
    return browser.get(authorize(begun.headers["Location"]))


def signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def address() -> str:
    return f"{uuid4().hex}@example.org"


def test_a_member_comes_in_and_it_is_recorded(browser: Client, provider: Provider, viewer: Member) -> None:
    answer = come(browser, provider, viewer.user.email.upper())
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert browser.session["_auth_user_id"] == str(viewer.user_id)
    with tenant_context(viewer.organization_id):
        event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.action, event.actor) == ("account.login_sso", str(viewer.user_id))


def test_the_login_page_offers_it_by_its_name(browser: Client, provider: Provider) -> None:
    text = browser.get("/accounts/login/").content.decode()
    assert LOGIN in text
    assert "医院统一认证" in text


def test_without_a_provider_nothing_is_offered(browser: Client, database: str) -> None:
    assert LOGIN not in browser.get("/accounts/login/").content.decode()
    assert browser.post(LOGIN).status_code == 404


def test_a_stranger_gets_nothing_and_no_account(browser: Client, provider: Provider) -> None:
    email = address()
    answer = come(browser, provider, email)
    assert answer.status_code == 403
    assert not signed_in(browser)
    assert not User.objects.filter(email=email).exists()


def test_an_invited_person_joins_without_a_password(browser: Client, provider: Provider, owner: Member) -> None:
    email = address()
    with tenant_context(owner.organization_id, owner.user_id):
        row, _ = invitation_create(email=email, role=Role.STEWARD, groups=("lab",))
    assert come(browser, provider, email).status_code == 302
    user = User.objects.get(email=email)
    assert not user.has_usable_password()
    assert [(p.role, p.groups) for p in principals_of_user(user)] == [("steward", ("lab",))]
    with tenant_context(owner.organization_id):
        assert Invitation.objects.get(id=row.id).accepted_at is not None


def test_a_revoked_invitation_opens_nothing(browser: Client, provider: Provider, owner: Member) -> None:
    email = address()
    with tenant_context(owner.organization_id, owner.user_id):
        row, _ = invitation_create(email=email, role=Role.OWNER)
        invitation_revoke(invitation_id=row.id)
    assert come(browser, provider, email).status_code == 403


def test_a_member_is_not_pulled_into_another_organization(
    browser: Client, provider: Provider, viewer: Member, stranger: Member
) -> None:
    with tenant_context(stranger.organization_id, stranger.user_id):
        invitation_create(email=viewer.user.email, role=Role.OWNER)
    come(browser, provider, viewer.user.email)
    assert [p.organization_id for p in principals_of_user(viewer.user)] == [viewer.organization_id]


def test_an_address_that_nobody_verified_is_no_address(browser: Client, provider: Provider, viewer: Member) -> None:
    assert come(browser, provider, viewer.user.email, verified=False).status_code == 403
    assert not signed_in(browser)


def test_an_operator_may_vouch_for_the_provider(
    browser: Client, provider: Provider, viewer: Member, settings: Any
) -> None:
    settings.OIDC_TRUST_EMAIL = True
    assert come(browser, provider, viewer.user.email, verified=False).status_code == 302


def test_a_disabled_member_stays_out_even_when_known_to_the_provider(
    browser: Client, provider: Provider, owner: Member, viewer: Member
) -> None:
    come(browser, provider, viewer.user.email)
    with tenant_context(owner.organization_id, owner.user_id):
        member_disable(member_id=viewer.id)
        invitation_create(email=viewer.user.email, role=Role.VIEWER)
    again = Client(REMOTE_ADDR="10.99.0.1")
    assert come(again, provider, viewer.user.email).status_code == 403
    assert not signed_in(again)


def test_the_account_at_the_provider_counts_and_not_a_later_address(
    browser: Client, provider: Provider, viewer: Member, steward: Member
) -> None:
    """Who renames themselves at the provider does not become somebody else here."""
    come(browser, provider, viewer.user.email, sub="one")
    again = Client(REMOTE_ADDR="10.99.0.2")
    come(again, provider, steward.user.email, sub="one")
    assert again.session["_auth_user_id"] == str(viewer.user_id)


def test_no_provider_decides_about_break_glass(browser: Client, provider: Provider, owner: Member) -> None:
    User.objects.filter(id=owner.user_id).update(is_superuser=True)
    assert come(browser, provider, owner.user.email).status_code == 403


@pytest.mark.parametrize("wrong", ["issuer", "audience"])
def test_a_token_of_another_provider_or_for_another_client_is_refused(
    browser: Client, provider: Provider, viewer: Member, wrong: str
) -> None:
    setattr(provider, wrong, "https://evil.example")
    come(browser, provider, viewer.user.email)
    assert not signed_in(browser)


def test_an_answer_that_nobody_asked_for_is_refused(browser: Client, provider: Provider, viewer: Member) -> None:
    """The code of one browser's sign-in, slipped to another: that one never began."""
    provider.claims = {"sub": "x", "email": viewer.user.email, "email_verified": True}
    place = authorize(browser.post(LOGIN).headers["Location"])
    victim = Client(REMOTE_ADDR="10.99.0.3")
    victim.get(place)
    assert not signed_in(victim)


def test_a_link_alone_begins_nothing(browser: Client, provider: Provider) -> None:
    answer = browser.get(LOGIN)
    assert answer.status_code == 200
    assert provider.url not in answer.headers.get("Location", "")


def test_whoever_has_two_steps_here_still_takes_the_second(browser: Client, provider: Provider, viewer: Member) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(viewer.user, generate_totp_secret())
    answer = come(browser, provider, viewer.user.email)
    assert "/2fa/authenticate/" in answer.headers["Location"]
    assert not signed_in(browser)
