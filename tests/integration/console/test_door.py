"""Who enters the console: operators; to everybody else signed in it is the page that is not there."""

import re
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from liaoyuan.console.door import PAGES
from liaoyuan.console.urls import urlpatterns

SAMPLES = {"run_id": uuid4(), "organization_id": uuid4(), "name": "medical", "verb": "validate"}


def address(pattern: URLPattern, **known: Any) -> str:
    names = re.findall(r"<\w+:(\w+)>", str(pattern.pattern))
    return reverse(pattern.name or "", kwargs={name: known.get(name, SAMPLES[name]) for name in names})


def methods(pattern: URLPattern) -> tuple[str, ...]:
    view = pattern.callback
    return PAGES[f"{view.__module__}.{view.__qualname__}"].methods


def body(response: Any) -> bytes:
    return re.sub(rb"(csrf\w*|nonce)=\S+|/console/\S*|value=\"[^\"]*\"", b"", response.content)


ROUTES = [
    pytest.param(pattern, method, id=f"{method} {pattern.name}")
    for pattern in urlpatterns
    for method in methods(pattern)
]


def test_every_view_of_the_console_stands_behind_its_door() -> None:
    behind = {f"{p.callback.__module__}.{p.callback.__qualname__}" for p in urlpatterns}
    assert behind <= set(PAGES)
    assert len(urlpatterns) >= 20


@pytest.mark.parametrize(("pattern", "method"), ROUTES)
def test_an_owner_and_a_stranger_get_the_404_of_a_page_that_is_not_there(
    pattern: URLPattern, method: str, owner: Any, stranger: Any, signed_in: Any, run: Any
) -> None:
    for member in (owner, stranger):
        client = signed_in(member.user)
        missing = client.generic(method, "/console/there-is-no-such-page")
        found = client.generic(method, address(pattern, run_id=run.id, organization_id=owner.organization_id))
        assert missing.status_code == found.status_code == 404
        assert body(found) == body(missing)


@pytest.mark.parametrize(("pattern", "method"), ROUTES)
def test_nobody_signed_in_goes_to_the_login_page(pattern: URLPattern, method: str, database: str) -> None:
    response = Client().generic(method, address(pattern))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/console/")
    fragment = Client().generic(method, address(pattern), headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (401, "/accounts/login/?next=/console/")


@pytest.mark.parametrize("pattern", [p for p in urlpatterns if "GET" in methods(p)], ids=lambda p: p.name)
def test_an_operator_sees_every_page(pattern: URLPattern, operator: Client, organization: Any, run: Any) -> None:
    response = operator.get(address(pattern, run_id=run.id, organization_id=organization.id))
    assert response.status_code == 200, response.content[:2000]
    assert response["Cache-Control"].startswith("max-age=0")
    assert b"<html" in response.content or b'id="console-' in response.content


def test_the_front_door_leads_an_operator_without_an_organization_to_the_console(operator: Client) -> None:
    assert operator.get("/")["Location"] == "/console/"
    assert operator.get("/solutions/").status_code == 403


def test_an_operator_gets_404_for_what_is_not_there(operator: Client) -> None:
    for name, key in (("console_job", "run_id"), ("console_organization", "organization_id")):
        assert operator.get(reverse(name, kwargs={key: uuid4()})).status_code == 404
    assert operator.post(reverse("console_job_steer", args=[uuid4(), "explode"])).status_code == 404


def test_a_disabled_operator_is_out_at_once(operator: Client, operator_user: Any) -> None:
    operator_user.is_active = False
    operator_user.save()
    assert operator.get("/console/").status_code == 302


def test_staff_taken_away_closes_the_door_at_once(operator: Client, operator_user: Any) -> None:
    operator_user.is_staff = False
    operator_user.save()
    assert operator.get("/console/").status_code == 404


def test_a_change_needs_a_sign_in_of_the_last_half_hour(operator: Client, operator_user: Any, run: Any) -> None:
    from allauth.usersessions.models import UserSession
    from django.utils import timezone

    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.models import StageRun

    UserSession.objects.filter(user=operator_user).update(created_at=timezone.now() - timedelta(minutes=31))
    cancel = reverse("console_job_steer", args=[run.id, "cancel"])

    response = operator.post(cancel)

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/reauthenticate/?next=%2Fconsole%2F")
    with tenant_context(run.organization_id):
        assert StageRun.objects.get(id=run.id).state == "queued"
    assert operator.get("/console/").status_code == 200

    session = operator.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() - 60, "reauthenticated": True}
    ]
    session.save()
    assert operator.post(cancel)["Location"] == reverse("console_job", args=[run.id])
    with tenant_context(run.organization_id):
        assert StageRun.objects.get(id=run.id).state == "cancelled"


def test_a_form_without_its_token_is_refused(operator_user: Any, run: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator_user)
    assert client.post(reverse("console_job_steer", args=[run.id, "cancel"])).status_code == 403
