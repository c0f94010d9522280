"""Every route with an id, for a stranger: exactly what a missing id gives, to the byte."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Server
from tests.integration.api.routes import NAMES, Route, ids, rest_routes, send
from tests.integration.api.rows import one_of_each


@pytest.fixture
def theirs(stages: None, other_organization: Any, stranger: Any, in_tenant: Callable[..., Any]) -> dict[str, uuid.UUID]:
    """One row of each kind in the other organization."""
    with in_tenant(other_organization, stranger):
        return one_of_each(other_organization, stranger)


@pytest.fixture
def mine(server: Server, owner: Any, key_of: Callable[..., str]) -> Iterator[httpx.Client]:
    with server.client(key_of(owner)) as client:
        yield client


def with_ids() -> list[Route]:
    return [route for route in rest_routes() if route.has_id]


@pytest.mark.parametrize("route", with_ids(), ids=str)
def test_a_strangers_id_answers_as_a_missing_one(
    route: Route, mine: httpx.Client, theirs: dict[str, uuid.UUID]
) -> None:
    foreign = send(mine, route, {n: NAMES.get(n) or str(theirs[n]) for n in route.parameters})
    missing = send(mine, route, ids(uuid.uuid4(), route))
    assert foreign.status_code == 404
    assert foreign.content == missing.content
    assert _comparable(foreign.headers) == _comparable(missing.headers)


def _comparable(headers: httpx.Headers) -> dict[str, str]:
    """All headers that may differ between two requests of one caller are left out, and only those."""
    changing = {"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"}
    return {name: value for name, value in headers.items() if name not in changing}


def test_a_foreign_collection_cannot_be_named_in_a_body(mine: httpx.Client, theirs: dict[str, uuid.UUID]) -> None:
    body = {"name": "x", "industry": "medical", "scenario": _scenario()}
    foreign = mine.post("/api/v1/solutions", json=body | {"collection_id": str(theirs["collection_id"])})
    missing = mine.post("/api/v1/solutions", json=body | {"collection_id": str(uuid.uuid4())})
    assert foreign.status_code == 404
    assert foreign.content == missing.content


def test_lists_show_nothing_of_another_organization(mine: httpx.Client, theirs: dict[str, uuid.UUID]) -> None:
    for route in rest_routes():
        if route.method == "GET" and not route.has_id and route.path != "/api/v1/problems":
            text = mine.get(route.url(NAMES)).text
            assert "theirs" not in text, route
            assert not any(str(value) in text for value in theirs.values()), route


def test_a_stranger_changed_nothing(
    mine: httpx.Client, theirs: dict[str, uuid.UUID], other_organization: Any, in_tenant: Callable[..., Any]
) -> None:
    from liaoyuan.accounts.models import ApiKey, Member
    from liaoyuan.operations.models import Feedback
    from liaoyuan.pipeline.models import Pipeline, StageRun

    for route in with_ids():
        if route.method != "GET":
            send(mine, route, {name: NAMES.get(name) or str(theirs[name]) for name in route.parameters})
    with in_tenant(other_organization):
        assert StageRun.objects.get(id=theirs["run_id"]).state == "queued"
        assert Pipeline.objects.count() == 1
        assert Member.objects.get(id=theirs["member_id"]).disabled_at is None
        assert ApiKey.objects.get(id=theirs["key_id"]).revoked_at is None
        assert Feedback.objects.count() == 1


def test_models_of_another_organization_are_missing_to_the_byte(
    server: Server, owner: Any, key_of: Callable[..., str], other_organization: Any, in_tenant: Callable[..., Any]
) -> None:
    from liaoyuan.deployment.models import Route as ModelRoute

    with in_tenant(other_organization):
        ModelRoute.objects.create(organization=other_organization, name="their-model", solution_id=uuid.uuid4())
    with server.client(key_of(owner)) as client:
        for method, url, body in (
            ("GET", "/v1/models/{}", None),
            ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "?"}]}),
        ):
            answers = [
                client.request(method, url.format(name), json=body and body | {"model": name})
                for name in ("their-model", "no-such-model")
            ]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content


def _scenario() -> str:
    from liaoyuan.industry.selectors import industry_get

    return next(iter(industry_get("medical").scenarios))
