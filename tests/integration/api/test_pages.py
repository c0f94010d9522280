"""Lists in pages: whole, without repetition, steady while rows are added, with filters and orders that are known."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Server
from tests.integration.api.routes import rest_routes


@pytest.fixture
def client(server: Server, owner: Any, key_of: Callable[..., str]) -> Iterator[httpx.Client]:
    with server.client(key_of(owner)) as found:
        yield found


@pytest.fixture
def collections(organization: Any, in_tenant: Callable[..., Any]) -> list[str]:
    from liaoyuan.knowledge.models import Collection

    names = [f"c{number:03d}" for number in range(25)]
    with in_tenant(organization):
        Collection.objects.bulk_create(Collection(organization=organization, name=name) for name in names)
    return names


def walk(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    rows, cursor = [], ""
    while True:
        found = client.get(path, params=query | ({"cursor": cursor} if cursor else {})).json()
        rows += found["items"]
        cursor = found["next"]
        if not cursor:
            return rows


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at"])
@pytest.mark.parametrize("limit", [1, 7, 25, 200])
def test_every_row_comes_once(sort: str, limit: int, client: httpx.Client, collections: list[str]) -> None:
    names = [row["name"] for row in walk(client, "/api/v1/collections", sort=sort, limit=limit)]
    assert sorted(names) == collections
    assert sort.endswith("created_at") or names == sorted(names, reverse=sort.startswith("-"))


def test_new_rows_neither_repeat_nor_hide_any(client: httpx.Client, collections: list[str]) -> None:
    first = client.get("/api/v1/collections", params={"limit": 10}).json()
    for name in ("a-before", "c004b", "z-behind"):
        client.post("/api/v1/collections", json={"name": name})
    rest = walk(client, "/api/v1/collections", limit=10, cursor=first["next"])
    seen = [row["name"] for row in first["items"] + rest]
    assert [name for name in seen if name in collections] == collections
    assert "z-behind" in seen and len(seen) == len(set(seen))


def test_the_link_header_has_the_next_page_with_its_filters(client: httpx.Client, collections: list[str]) -> None:
    answer = client.get("/api/v1/collections", params={"limit": 5, "q": "c0", "sort": "-name"})
    link = answer.headers["link"]
    assert link.endswith('>; rel="next"')
    following = client.get(link[1:].split(">")[0]).json()
    assert [row["name"] for row in following["items"]] == collections[::-1][5:10]
    assert "link" not in client.get("/api/v1/collections", params={"limit": 200}).headers


def test_a_cursor_is_good_for_its_own_list_only(
    client: httpx.Client, collections: list[str], server: Server, stranger: Any, key_of: Callable[..., str]
) -> None:
    cursor = client.get("/api/v1/collections", params={"limit": 5}).json()["next"]
    tampered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for query in ({"cursor": tampered}, {"cursor": cursor, "sort": "-name"}, {"cursor": cursor, "q": "c"}):
        answer = client.get("/api/v1/collections", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid"), query
    assert client.get("/api/v1/solutions", params={"cursor": cursor}).json()["code"] == "cursor_invalid"
    with server.client(key_of(stranger)) as other:
        assert other.get("/api/v1/collections", params={"cursor": cursor}).json()["code"] == "cursor_invalid"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "201"}, {"limit": "many"}, {"sort": "created_by"}, {"organization": "x"},
        {"name__startswith": "c"}, {"q": "x" * 121}, {"cursor": "x" * 601}, {"q": "a\x00"},
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(query: dict[str, str], client: httpx.Client) -> None:
    answer = client.get("/api/v1/collections", params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"unknown_parameter", "invalid_input"}


def test_every_list_refuses_an_unknown_filter(client: httpx.Client) -> None:
    for route in rest_routes():
        if route.method == "GET" and not route.parameters and route.action:
            answer = client.get(route.path, params={"password": "x"})
            assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter"), route


def test_runs_are_found_by_what_they_wait_for(client: httpx.Client, stages: None) -> None:
    body = {"name": "s", "industry": "medical", "scenario": "guideline-qa"}
    solution = client.post("/api/v1/solutions", json=body).json()["id"]
    client.post(f"/api/v1/solutions/{solution}/runs")
    waiting = walk(client, "/api/v1/runs", wait="dependency", solution_id=solution)
    assert {run["stage"] for run in waiting} == {"data", "training", "deployment", "security", "operations"}
    assert all(run["wait"]["reason"] for run in waiting)
    assert walk(client, "/api/v1/runs", state="succeeded") == []
    assert walk(client, "/api/v1/runs", pipeline_id=str(uuid.uuid4())) == []


# Whoever adds rows must not add questions to the database: sign-in, rights and the page itself, nothing a row.
MOST = 14


def test_a_list_asks_the_database_as_often_for_many_rows_as_for_few(
    organization: Any, owner: Any, in_tenant: Callable[..., Any], stages: None
) -> None:
    from tests.integration.api.rows import one_of_each

    counted: list[dict[str, int]] = []
    for number in range(3):
        with in_tenant(organization, owner):
            one_of_each(organization, owner, f"row{number}")
        if number != 1:
            counted.append(_queries(owner))
    few, many = counted
    assert few == many
    assert max(many.values()) <= MOST, many


def _queries(owner: Any) -> dict[str, int]:
    """Queries by list, of a request that is answered in this thread."""
    from django.db import connections
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    session = Client()
    session.force_login(owner.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    found = {}
    for route in rest_routes():
        if route.method == "GET" and not route.parameters and route.action and "verify" not in route.path:
            with CaptureQueriesContext(connections["default"]) as asked:
                answer = session.get(route.path)
            assert answer.status_code == 200, (route, answer.content)
            found[route.path] = len(asked)
    return found


def test_documents_that_an_older_version_read_are_counted_told_and_listed_alone(
    organization: Any, in_tenant: Callable[..., Any], client: httpx.Client
) -> None:
    from django.utils import timezone

    from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
    from liaoyuan.knowledge.rules import CUTTING, reading_rules

    with in_tenant(organization):
        home = Collection.objects.create(organization=organization, name="制度")
        for name, parser in (("旧.md", 0), ("新.md", reading_rules("text/markdown"))):
            document = Document.objects.create(organization=organization, collection=home, name=name)
            DocumentVersion.objects.create(
                organization=organization, document=document, number=1, file_name=name, sha256="0" * 64, size=1,
                media_type="text/markdown", source_key="s", blocks_key="b", state="in_force", parser=parser,
                chunker=CUTTING, indexed_at=timezone.now(),
            )  # fmt: skip
    path = f"/api/v1/collections/{home.id}"
    assert client.get(path).json()["older"] == 1
    for wanted, names in (("true", ["旧.md"]), ("false", ["新.md"])):
        rows = walk(client, f"{path}/documents", older=wanted)
        assert [(row["name"], row["older"]) for row in rows] == [(name, wanted == "true") for name in names]
