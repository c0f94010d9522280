"""Rate limits: exact under many requests at once, a bucket a caller, told in headers; open when nobody can count."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Server


@pytest.fixture
def few(settings: Any) -> None:
    settings.API_LIMITS = {"read": 6, "write": 4, "ask": 2, "open": 3}


@pytest.fixture
def client(server: Server, owner: Any, key_of: Callable[..., str], few: None) -> Iterator[httpx.Client]:
    with server.client(key_of(owner), **{"Accept-Language": "en"}) as found:
        yield found


def test_fifty_at_once_get_exactly_what_there_is(
    client: httpx.Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_LIMITS = {**settings.API_LIMITS, "read": 20}
    # So slow that nothing comes back while the test runs.
    monkeypatch.setattr("liaoyuan.api.limits.MINUTE", 1e6)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: client.get("/api/v1/me"), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [429] * 30
    passed = [int(answer.headers["ratelimit-remaining"]) for answer in answers if answer.status_code == 200]
    assert sorted(passed) == list(range(20))


def test_what_is_left_is_told_and_the_refusal_says_when(client: httpx.Client) -> None:
    first = client.get("/api/v1/me")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("6", "5")
    for _ in range(8):
        last = client.get("/api/v1/me")
    assert (last.status_code, last.json()["code"], last.json()["retryable"]) == (429, "rate_limited", True)
    assert last.headers["retry-after"] == last.headers["ratelimit-reset"]
    assert 1 <= int(last.headers["retry-after"]) <= 10
    assert last.headers["ratelimit-remaining"] == "0"


def test_each_class_and_each_key_has_a_bucket_of_its_own(
    client: httpx.Client, server: Server, owner: Any, key_of: Callable[..., str]
) -> None:
    for _ in range(8):
        client.get("/api/v1/me")
    assert client.get("/api/v1/me").status_code == 429
    assert client.post("/api/v1/collections", json={"name": "x"}).status_code == 201
    with server.client(key_of(owner)) as second:
        assert second.get("/api/v1/me").status_code == 200


def test_what_is_forbidden_or_wrong_counts_as_well(client: httpx.Client) -> None:
    answers = [client.post("/api/v1/collections", json={}).status_code for _ in range(6)]
    assert answers == [422] * 4 + [429] * 2


def test_nobody_tries_invitations_by_the_thousand(server: Server, few: None) -> None:
    with server.client() as anybody:
        body = {"token": "x" * 40, "password": "correct horse battery"}
        answers = [anybody.post("/api/v1/invitations/accept", json=body).status_code for _ in range(6)]
    assert 429 in answers
    assert set(answers) <= {404, 429}


def test_without_the_cache_server_work_goes_on_and_it_is_said(
    server: Server, owner: Any, key_of: Callable[..., str], settings: Any, few: None
) -> None:
    from prometheus_client import REGISTRY

    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    before = REGISTRY.get_sample_value("liaoyuan_api_unlimited_total") or 0
    with server.client(key_of(owner)) as client:
        answers = [client.get("/api/v1/me") for _ in range(10)]
        ready = client.get("/health/ready").json()
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit-limit" not in answers[0].headers
    assert (REGISTRY.get_sample_value("liaoyuan_api_unlimited_total") or 0) == before + 10
    check = next(each for each in ready["checks"] if each["name"] == "rate_limits")
    assert not check["ok"] and not check["required"]
