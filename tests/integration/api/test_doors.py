"""Who may come in: nobody without a name, nobody beyond their role, no key beyond its scopes, no forged request."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.api.conftest import Server
from tests.integration.api.routes import Route, ids, rest_routes, send

# Open to anybody: the sign-in pages, an invitation's acceptance, the list of problem codes, and the probes.
OPEN = {"POST /api/v1/invitations/accept": (404, "invitation_invalid"), "GET /api/v1/problems": (200, "")}


@pytest.mark.parametrize("route", rest_routes(), ids=str)
def test_nobody_comes_in_without_a_name(route: Route, server: Server) -> None:
    with server.client() as client:
        answer = send(client, route, ids(uuid.uuid4(), route))
    if str(route) in OPEN:
        status, code = OPEN[str(route)]
        assert answer.status_code == status
        assert not code or answer.json()["code"] == code
    else:
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/api/v1/docs", "/api/v1/openapi.json", "/break-glass/", "/accounts/password/change/"]
)
def test_pages_send_a_stranger_to_the_login(path: str, server: Server) -> None:
    with server.client() as client:
        answer = client.get(path)
    assert answer.status_code == 302
    assert "login" in answer.headers["location"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/v1/x")]
)
def test_v1_asks_for_a_key_before_anything_else(method: str, path: str, server: Server) -> None:
    with server.client() as client:
        answer = client.request(method, path, json={})
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("role", ["owner", "steward", "annotator", "developer", "auditor", "viewer"])
def test_every_operation_follows_the_policy_table(
    role: str, server: Server, organization: Any, key_of: Callable[..., str]
) -> None:
    from liaoyuan.accounts.policy import POLICY
    from tests.conftest import _member

    wrong = []
    with server.client(key_of(_member(organization, role))) as client:
        for route in rest_routes():
            if not route.action:
                continue
            answer = send(client, route, ids(uuid.uuid4(), route))
            refused = answer.status_code == 403 and answer.json()["code"] == "permission_denied"
            if refused == (route.action in POLICY[role]):
                wrong.append((str(route), answer.status_code))
    assert wrong == []


def test_a_key_does_only_what_its_scopes_say(server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    with server.client(key_of(owner, "solution.view")) as client:
        for route in rest_routes():
            if route.action and route.action != "solution.view":
                answer = send(client, route, ids(uuid.uuid4(), route))
                assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), route
        assert client.get("/api/v1/solutions").status_code == 200
        assert client.get("/v1/models").json()["error"]["code"] == "scope_missing"


def test_a_key_cannot_make_a_wider_key(server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    with server.client(key_of(owner, "key.own")) as client:
        wider = client.post("/api/v1/keys", json={"name": "x", "scopes": ["member.manage"]})
        same = client.post("/api/v1/keys", json={"name": "x", "scopes": ["key.own"]})
    assert (wider.status_code, wider.json()["code"]) == (403, "scope_beyond_key")
    assert same.status_code == 201 and same.json()["key"].startswith("ly_")


def test_a_key_is_shown_once_and_ends_at_once(server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    with server.client(key_of(owner)) as client:
        made = client.post("/api/v1/keys", json={"name": "x", "scopes": ["ask"]}).json()
        with server.client(made["key"]) as second:
            assert second.get("/v1/models").status_code == 200
            assert client.delete(f"/api/v1/keys/{made['id']}").status_code == 204
            assert second.get("/v1/models").status_code == 401
        listed = client.get("/api/v1/keys").text
    assert made["key"] not in listed and made["key"].split("_", 2)[2] not in listed


def test_an_expired_key_and_a_disabled_member_are_nobody(
    server: Server,
    organization: Any,
    owner: Any,
    viewer: Any,
    key_of: Callable[..., str],
    in_tenant: Callable[..., Any],
) -> None:
    from django.utils import timezone

    from liaoyuan.accounts.models import ApiKey

    expired, disabled = key_of(owner), key_of(viewer)
    with in_tenant(organization):
        ApiKey.objects.filter(prefix=expired.split("_")[1]).update(expires_at=timezone.now())
        viewer.disabled_at = timezone.now()
        viewer.save()
    for key in (expired, disabled):
        with server.client(key) as client:
            assert client.get("/api/v1/me").status_code == 401
            assert client.get("/v1/models").status_code == 401


def test_a_key_counts_only_in_its_header(server: Server, owner: Any, key_of: Callable[..., str]) -> None:
    key = key_of(owner)
    with server.client() as client:
        for address in ("/api/v1/me", "/v1/models"):
            for name in ("key", "api_key", "token", "access_token"):
                assert client.get(address, params={name: key}).status_code == 401
                assert client.get(address, headers={"Cookie": f"{name}={key}; sessionid={key}"}).status_code == 401
            assert client.get(address, headers={"X-Api-Key": key}).status_code == 401
            assert client.get(address, headers={"Authorization": f"Basic {key}"}).status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/solutions", {"name": "x", "industry": "medical", "scenario": "x", "organization": str(uuid.uuid4())}),
        ("/api/v1/solutions", {"name": "x", "industry": "medical", "scenario": "x", "options": {"paths": ["/etc"]}}),
        ("/api/v1/collections", {"name": "x", "created_by": str(uuid.uuid4())}),
        ("/api/v1/invitations", {"email": "a@example.org", "role": "viewer", "is_superuser": True}),
        ("/api/v1/keys", {"name": "x", "scopes": ["ask"], "member_id": str(uuid.uuid4())}),
        ("/api/v1/invitations", {"email": "a@example.org", "role": "root"}),
    ],
)
def test_unknown_fields_are_refused(
    path: str, body: dict[str, Any], server: Server, owner: Any, key_of: Callable[..., str]
) -> None:
    with server.client(key_of(owner)) as client:
        answer = client.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"
