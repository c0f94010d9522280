"""An operator, an owner and a stranger, each with a browser that is signed in."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

Signed = Callable[[Any], Client]


@pytest.fixture
def signed_in(database: str) -> Signed:
    """``signed_in(user)``: a client that came in by a one-time link just now."""
    from liaoyuan.accounts.services import login_link_create

    def sign_in(user: Any) -> Client:
        client = Client(headers={"accept-language": "en"})
        assert client.post(login_link_create(user=user)).status_code == 302
        return client

    return sign_in


@pytest.fixture
def operator_user(database: str) -> Any:
    """A person of the platform's staff without a place in any organization."""
    from liaoyuan.accounts.models import User

    return User.objects.create_user(f"operator-{uuid.uuid4().hex}@example.org", is_staff=True)


@pytest.fixture
def operator(operator_user: Any, signed_in: Signed) -> Client:
    return signed_in(operator_user)


@pytest.fixture
def run(organization: Any, owner: Any) -> Any:
    """A queued run of ``organization``."""
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.pipeline.services import stage_run_start
    from tests.stages import scripted_stages

    with scripted_stages(), tenant_context(organization.id, owner.user_id):
        return stage_run_start(stage="data")
