"""What the tests of the surface share: every route of the resolver, and windows of people."""

import random
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

PASSWORD = "a long walk in the rain"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PLACE = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
TOKEN = re.compile(r'(csrfmiddlewaretoken" value="|X-CSRFToken[^A-Za-z0-9]+)[A-Za-z0-9]+')
ELSEWHERE = ("api/v1/", "break-glass/")


@dataclass(frozen=True)
class Place:
    """One route: ``view`` is the function's whole name, ``parameters`` are name → converter ("" for a pattern)."""

    pattern: str
    view: str

    @property
    def parameters(self) -> dict[str, str]:
        return {name or other: kind or "" for kind, name, other in PLACE.findall(self.pattern)}

    def url(self, values: dict[str, object] | None = None) -> str:
        given = values or {}
        filled = PLACE.sub(lambda m: str(given.get(m[2] or m[3], sample(m[1] or "", m[2] or m[3]))), self.pattern)
        return "/" + filled.replace("^", "").replace("$", "")

    def __str__(self) -> str:
        return "/" + self.pattern


def sample(kind: str, name: str) -> object:
    """Some value that the route takes and that names nothing."""
    words = {"stage": "data", "kind": "bundle", "verb": "retry", "provider_id": "sso", "token": "x" * 43}
    kinds = {"uuid": uuid.uuid4(), "int": 1}
    return words.get(name) or kinds.get(kind) or "x"


def places() -> list[Place]:
    """All routes that Django serves beside the API, which has a list of its own, and the stock admin."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[Place]:
        for each in resolver.url_patterns:
            pattern = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each, pattern)
            elif isinstance(each, URLPattern):
                view = each.callback
                yield Place(pattern, f"{view.__module__}.{getattr(view, '__qualname__', '?')}")

    return [place for place in walk(get_resolver(), "") if not place.pattern.startswith(ELSEWHERE)]


def portal_pages() -> list[tuple[Place, str, str]]:
    """Each route behind the portal's door with each of its methods and its action."""
    from liaoyuan.portal.door import PAGES

    found = [(place, PAGES[place.view]) for place in places() if place.view in PAGES]
    return [(place, method, page.action) for place, page in found for method in page.methods]


@pytest.fixture
def window(database: str) -> Callable[..., Client]:
    """``window(member)`` is a signed-in browser with English pages, ``window()`` a stranger's; each its own address."""

    def open_window(member: Any = None, **more: Any) -> Client:
        address = "10." + ".".join(str(random.randrange(1, 255)) for _ in range(3))
        client = Client(headers={"Accept-Language": "en"}, REMOTE_ADDR=address, raise_request_exception=False, **more)
        if member is not None:
            client.force_login(member.user, backend=BACKEND)
        return client

    return open_window


@pytest.fixture
def with_password() -> Callable[[Any], Any]:
    """Give a member the password of these tests."""

    def give(member: Any) -> Any:
        member.user.set_password(PASSWORD)
        member.user.save()
        return member

    return give


def inert(answer: Any) -> str:
    """A page without what must differ between two ids: form tokens, and the address that was asked for."""
    text = TOKEN.sub(r"\1TOKEN", answer.content.decode())
    return re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "ID", text)
