"""The same key twice: one effect, one answer, also when both come at once; and nobody else's answer, ever."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Server


@pytest.fixture
def client(server: Server, owner: Any, key_of: Callable[..., str]) -> Iterator[httpx.Client]:
    with server.client(key_of(owner)) as found:
        yield found


def once(key: str = "") -> dict[str, str]:
    return {"Idempotency-Key": key or uuid.uuid4().hex}


def test_the_same_key_and_body_give_the_same_answer_to_the_byte(client: httpx.Client) -> None:
    headers, body = once(), {"name": "x", "scopes": ["ask"]}
    first, second = (client.post("/api/v1/keys", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert [row["name"] for row in client.get("/api/v1/keys").json()["items"]].count("x") == 1


def test_the_location_is_remembered_too(client: httpx.Client) -> None:
    headers = once()
    answers = [client.post("/api/v1/collections", json={"name": "c"}, headers=headers) for _ in range(2)]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert answers[1].status_code == 201


@pytest.mark.parametrize(("path", "body"), [("/api/v1/collections", {"name": "b"}), ("/api/v1/keys", {"name": "a"})])
def test_the_same_key_for_something_else_is_refused(path: str, body: dict[str, Any], client: httpx.Client) -> None:
    headers = once()
    assert client.post("/api/v1/collections", json={"name": "a"}, headers=headers).status_code == 201
    other = client.post(path, json=body | ({"scopes": ["ask"]} if "keys" in path else {}), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_twins_that_come_at_once_make_one_thing(client: httpx.Client) -> None:
    headers, body = once(), {"name": "twin", "scopes": ["ask"]}
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(client.post, "/api/v1/keys", json=body, headers=headers) for _ in range(8)]
        answers = [each.result() for each in sent]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["key"] for answer in answers}) == 1
    assert [row["name"] for row in client.get("/api/v1/keys").json()["items"]].count("twin") == 1


def test_a_failure_is_not_remembered(client: httpx.Client) -> None:
    headers = once()
    body = {"name": "x", "scopes": ["no.such.scope"]}
    assert client.post("/api/v1/keys", json=body, headers=headers).status_code == 403
    assert client.post("/api/v1/keys", json={"name": "x", "scopes": ["ask"]}, headers=headers).status_code == 201


def test_one_persons_key_is_nothing_to_another(
    client: httpx.Client, server: Server, stranger: Any, viewer: Any, steward: Any, key_of: Callable[..., str]
) -> None:
    headers, body = once(), {"name": "mine", "scopes": ["ask"]}
    mine = client.post("/api/v1/keys", json=body, headers=headers)
    for other in (steward, stranger):
        with server.client(key_of(other)) as second:
            answer = second.post("/api/v1/keys", json=body, headers=headers)
        assert answer.status_code == 201
        assert answer.json()["key"] != mine.json()["key"]


@pytest.mark.parametrize("key", ["", "x" * 201, "with space"])
def test_a_key_that_cannot_be_kept_is_refused(key: str, client: httpx.Client) -> None:
    answer = client.post("/api/v1/collections", json={"name": "a"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")


def test_what_is_kept_tells_nothing_without_the_key_and_ends(
    client: httpx.Client, organization: Any, in_tenant: Callable[..., Any]
) -> None:
    from django.utils import timezone

    from liaoyuan.api.models import RememberedAnswer

    headers, body = once(), {"name": "kept", "scopes": ["ask"]}
    first = client.post("/api/v1/keys", json=body, headers=headers).json()
    with in_tenant(organization):
        row = RememberedAnswer.objects.get()
        assert first["key"].encode() not in bytes(row.sealed)
        assert headers["Idempotency-Key"] not in row.digest
        RememberedAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.post("/api/v1/keys", json=body, headers=headers).json()["key"] != first["key"]


def test_an_upload_is_known_by_its_content(client: httpx.Client, stages: None) -> None:
    collection = client.post("/api/v1/collections", json={"name": "files"}).json()["id"]
    address, headers = f"/api/v1/collections/{collection}/documents", once()
    runs = [
        client.post(address, files=[("files", ("a.md", content, "text/markdown"))], headers=headers)
        for content in (b"# a", b"# a", b"# b")
    ]
    assert [run.status_code for run in runs] == [202, 202, 422]
    assert runs[0].json() == runs[1].json()


def test_work_outside_of_a_transaction_is_claimed_first(
    organization: Any, owner: Any, in_tenant: Callable[..., Any]
) -> None:
    """A question is answered without a transaction: its twin is told to wait, and a failure gives the key free."""
    from django.test import RequestFactory

    from liaoyuan.accounts.resolver import principal_from_session
    from liaoyuan.api.rest.idempotency import IdempotencyInProgress, once_apart

    who = principal_from_session(owner.user, organization.id)
    request = RequestFactory().post("/x", b"{}", content_type="application/json", headers=once())

    def tenant() -> Any:
        return in_tenant(organization, owner)

    def busy() -> Any:
        with pytest.raises(IdempotencyInProgress):
            once_apart(request, who, None, lambda: "never", tenant)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once_apart(request, who, None, busy, tenant)
    assert once_apart(request, who, None, lambda: {"a": 1}, tenant).content == b'{"a": 1}'
    assert once_apart(request, who, None, lambda: {"a": 2}, tenant).content == b'{"a": 1}'
