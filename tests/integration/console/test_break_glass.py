"""Django's own admin: for superusers only, noted step by step, and blind to tenants' rows."""

import uuid
from typing import Any

import pytest
from django.test import Client

from liaoyuan.accounts.models import User
from liaoyuan.accounts.tenancy import system_context
from liaoyuan.console.models import OperatorEvent


@pytest.fixture
def superuser(database: str) -> Any:
    return User.objects.create_user(f"glass-{uuid.uuid4().hex}@example.org", is_staff=True, is_superuser=True)


def noted(user: Any) -> list[tuple[str, str]]:
    with system_context("test") as alias:
        events = OperatorEvent.objects.using(alias).filter(actor=user.id, action__startswith="break-glass")
        return list(events.order_by("seq").values_list("action", "object_id"))


def test_a_superuser_works_in_the_stock_admin_and_every_step_is_noted(
    superuser: Any, owner: Any, signed_in: Any
) -> None:
    client: Client = signed_in(superuser)
    page = client.get("/break-glass/")
    assert page.status_code == 200
    assert b"/static/admin/css/base.css" in page.content
    address = f"/break-glass/accounts/user/{owner.user_id}/change/"
    assert client.get(address).status_code == 200
    fields = {"email": owner.user.email, "name": "Changed", "is_active": "on"}
    assert client.post(address, fields).status_code == 302
    assert User.objects.get(id=owner.user_id).name == "Changed"
    assert noted(superuser) == [
        ("break-glass.look", "/break-glass/"),
        ("break-glass.look", address),
        ("break-glass.change", address),
    ]


@pytest.mark.parametrize("path", ["/break-glass/", "/break-glass/login/", "/break-glass/accounts/user/"])
def test_an_operator_an_owner_and_nobody_stay_outside(path: str, operator: Client, owner: Any, signed_in: Any) -> None:
    for client in (operator, signed_in(owner.user)):
        assert client.get(path, follow=True).status_code == 404
    outside = Client().get(path, follow=True)
    assert outside.redirect_chain[-1][0].startswith("/accounts/login/?next=/break-glass/")


def test_it_has_no_login_of_its_own_that_would_pass_by_the_second_step(database: str) -> None:
    answer = Client().post("/break-glass/login/", {"username": "a@b.example", "password": "x" * 20})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
