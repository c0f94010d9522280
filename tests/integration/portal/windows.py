"""Signed-in windows for tests of the portal's pages."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from django.test import Client

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context

T = TypeVar("T")


def window(member: Member, **more: Any) -> Client:
    """A signed-in window with English pages."""
    headers = {"Accept-Language": "en", **more.pop("headers", {})}
    client = Client(headers=headers, **more)
    client.force_login(member.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def inert(answer: Any) -> str:
    """A page without what must differ: the form's token, and the address that was asked for."""
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1TOKEN", answer.content.decode())
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)


def as_member(member: Member, work: Callable[[], T]) -> T:
    """What ``work`` finds in the member's own context."""
    with tenant_context(member.organization_id, member.user_id):
        return work()


def draft_id(answer: Any) -> UUID:
    """The draft of a redirect into the wizard."""
    found = re.search(r"/solutions/new/([0-9a-f-]{36})/", answer["Location"])
    assert found, answer["Location"]
    return UUID(found[1])
