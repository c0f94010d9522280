"""A bucket is followed like a folder, page by page of its listing, with a key that is never shown again."""

from collections.abc import Iterator
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.sources.errors import CredentialsRefused, SourceInvalid, SourceNotAllowed
from liaoyuan.knowledge.sources.models import Source, SourceItem
from liaoyuan.knowledge.sources.services import SourceSpec, source_test
from liaoyuan.pipeline.models import RunState
from tests.integration.knowledge_sources.conftest import NURSING, WASTE, Add, Sync
from tests.integration.knowledge_sources.servers import S3, served


@pytest.fixture
def bucket(settings: Any) -> Iterator[tuple[S3, dict[str, Any]]]:
    """The server, and what a source of it is told."""
    server = S3({f"制度/{n} 号.md": (WASTE + f"\n第{n}号\n").encode() for n in range(5)})
    with served(server.answer) as endpoint:
        settings.SOURCE_S3_ENDPOINTS = [endpoint]
        credentials = {"access_key": server.access_key, "secret_key": server.secret_key}
        place = {"endpoint": endpoint, "bucket": "docs"}
        yield server, {"name": "桶", "kind": "s3", "settings": place, "credentials": credentials}


def test_a_bucket_is_followed(organization: Any, add: Add, sync: Sync, bucket: tuple[S3, dict[str, Any]]) -> None:
    server, given = bucket
    server.objects["../../etc/a&b<c>.md"] = NURSING.encode()
    server.objects["folder/"] = b""
    source = add(**given)
    assert sync(source).result["counts"]["read"] == 6
    with tenant_context(organization.id):
        names = set(DocumentVersion.objects.values_list("document__name", flat=True))
    assert {"桶/制度/0 号.md", "桶/../../etc/a&b<c>.md"} <= names, "a name is only a name: nothing is written by it"
    gets = len(server.asked)
    assert sync(source).result["counts"]["unchanged"] == 6
    assert all("list-type" in path for path in server.asked[gets:]), "what did not change is not read"
    server.objects["制度/0 号.md"] = NURSING.encode()
    server.objects["新/1 号.md"] = server.objects.pop("制度/1 号.md")
    del server.objects["制度/2 号.md"]
    counts = sync(source).result["counts"]
    assert (counts["read"], counts["renamed"], counts["gone"]) == (1, 1, 1)


def test_only_what_lies_below_the_path_is_read(
    organization: Any, add: Add, sync: Sync, bucket: tuple[S3, dict[str, Any]]
) -> None:
    server, given = bucket
    server.objects["护理/值班.md"] = NURSING.encode()
    source = add(**given | {"settings": given["settings"] | {"path": "护理/"}})
    assert sync(source).result["counts"]["read"] == 1
    with tenant_context(organization.id):
        assert DocumentVersion.objects.get().document.name == "桶/值班.md"


def test_a_wrong_key_is_told_as_such_and_ends_nothing(
    organization: Any, add: Add, sync: Sync, bucket: tuple[S3, dict[str, Any]]
) -> None:
    server, given = bucket
    source = add(**given)
    sync(source)
    server.secret_key = "renewed-at-the-server"
    run = sync(source)
    assert run.state == RunState.FAILED and run.error["code"] == "source_credentials_refused"
    with tenant_context(organization.id):
        assert SourceItem.objects.filter(state="ready").count() == 5
        assert "secret" not in str(Source.objects.get().error).lower()


def test_an_object_that_vanishes_between_listing_and_reading_fails_alone(
    add: Add, sync: Sync, bucket: tuple[S3, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, given = bucket
    listed = server._list

    def then_gone(query: dict[str, str]) -> bytes:
        found = listed(query)
        if "continuation-token" in query and query["continuation-token"] == "4":
            server.objects.pop("制度/3 号.md", None)
        return found

    monkeypatch.setattr(server, "_list", then_gone)
    counts = sync(add(**given)).result["counts"]
    assert (counts["read"], counts["failed"]) == (4, 1)


def test_the_connection_is_tested_before_anything_is_kept(organization: Any, bucket: tuple[S3, dict[str, Any]]) -> None:
    server, given = bucket
    with tenant_context(organization.id):
        assert len(source_test(spec=SourceSpec(**given)).names) == 5
        wrong = given | {"credentials": {"access_key": server.access_key, "secret_key": "wrong"}}
        with pytest.raises(CredentialsRefused):
            source_test(spec=SourceSpec(**wrong))
        assert not Source.objects.exists()


@pytest.mark.parametrize(
    "place",
    [
        {"endpoint": "http://169.254.169.254", "bucket": "docs"},
        {"endpoint": "http://127.0.0.1:1/", "bucket": "docs"},
    ],
)
def test_an_endpoint_that_the_operator_does_not_name_is_not_asked(
    add: Add, bucket: tuple[S3, dict[str, Any]], place: dict[str, str]
) -> None:
    with pytest.raises(SourceNotAllowed):
        add(**bucket[1] | {"settings": place})


@pytest.mark.parametrize("bucket_name", ["../x", "a/b", "UPPER", "x", "a b", "docs?x=1", ".docs"])
def test_a_bucket_has_a_buckets_name(add: Add, bucket: tuple[S3, dict[str, Any]], bucket_name: str) -> None:
    given = bucket[1]
    with pytest.raises(SourceInvalid):
        add(**given | {"settings": given["settings"] | {"bucket": bucket_name}})
