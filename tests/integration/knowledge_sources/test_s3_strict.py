"""A bucket of a server that checks what it is sent by Amazon's letter: signature, clock, key, pages, ETags."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from liaoyuan.accounts.models import AuditEvent
from liaoyuan.accounts.services import api_key_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.sources.errors import CredentialsRefused
from liaoyuan.knowledge.sources.models import Source, SourceItem
from liaoyuan.knowledge.sources.services import source_rekey
from liaoyuan.pipeline.models import RunState
from tests.integration.knowledge_sources.conftest import Add, Sync
from tests.integration.knowledge_sources.servers import served
from tests.integration.knowledge_sources.strict_s3 import StrictS3

HARD = (
    "a b.md",
    "加+号.md",
    "100%.md",
    "~tilde'quote.md",
    "x=1&y=2?.md",
    "dir//twice.md",
    "./dot.md",
    "é.md",
    "(1)*!.md",
)
NEW = {"access_key": "AKIANEW", "secret_key": "another/secret"}


def text(n: int) -> bytes:
    return f"# 记录{n}\n\n第{n}号设备每{n}天检查一次。\n".encode()


@pytest.fixture
def bucket(settings: Any) -> Iterator[tuple[StrictS3, dict[str, Any]]]:
    server = StrictS3({f"制度/{n}.md": text(n) for n in range(3)})
    with served(server.answer) as endpoint:
        settings.SOURCE_S3_ENDPOINTS = [endpoint]
        ((access, secret),) = server.keys.items()
        place = {"endpoint": endpoint, "bucket": "docs", "region": server.region}
        credentials = {"access_key": access, "secret_key": secret}
        yield server, {"name": "桶", "kind": "s3", "settings": place, "credentials": credentials}


def items(organization: Any) -> dict[str, str]:
    with tenant_context(organization.id):
        return dict(SourceItem.objects.values_list("key", "state"))


def test_every_key_is_signed_as_it_is_sent_and_read(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]]
) -> None:
    server, given = bucket
    server.objects |= {name: text(10 + n) for n, name in enumerate(HARD)}
    counts = sync(add(**given)).result["counts"]
    assert (counts["read"], counts.get("failed", 0)) == (3 + len(HARD), 0)
    assert set(items(organization)) == set(server.objects)


def test_a_listing_of_several_pages_is_followed_to_its_end(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]]
) -> None:
    server, given = bucket
    server.most = 2
    server.objects |= {f"制度/{n}.md": text(n) for n in range(3, 7)}
    source = add(**given)
    assert sync(source).result["counts"]["read"] == 7
    assert sum("continuation-token" in path for path in server.asked) == 3
    del server.objects["制度/5.md"]
    assert sync(source).result["counts"]["gone"] == 1
    assert items(organization)["制度/5.md"] == "gone"


def test_another_etag_is_asked_and_only_other_bytes_are_another_version(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]]
) -> None:
    server, given = bucket
    server.parts["制度/0.md"] = 2
    source = add(**given)
    sync(source)
    server.parts["制度/0.md"] = 3  # uploaded again in other parts: another ETag, the same bytes
    assert sync(source).result["counts"].get("read", 0) == 0
    server.objects["制度/0.md"] = text(99)
    assert sync(source).result["counts"]["read"] == 1
    with tenant_context(organization.id):
        numbers = DocumentVersion.objects.filter(document__name="桶/制度/0.md").values_list("number", flat=True)
        assert sorted(numbers) == [1, 2]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key": "AKIAGONE"}, "InvalidAccessKeyId"),
    ],
)
def test_a_wrong_key_says_which_part_is_wrong_and_ends_nothing(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]], wrong: dict[str, str], code: str
) -> None:
    _server, given = bucket
    run = sync(add(**given | {"credentials": given["credentials"] | wrong}))
    assert (run.state, run.error["code"]) == (RunState.FAILED, "source_credentials_refused")
    assert code in run.error["en"] and "secret" not in run.error["en"]


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_that_is_wrong_is_told_as_such_and_not_as_a_wrong_key(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]], minutes: int
) -> None:
    server, given = bucket
    source = add(**given)
    sync(source)
    server.ahead = timedelta(minutes=minutes)
    run = sync(source)
    assert run.error["code"] == "source_clock_wrong" and "RequestTimeTooSkewed" in run.error["zh"]
    assert set(items(organization).values()) == {"ready"}
    server.ahead = timedelta(minutes=minutes / 2)
    assert sync(source).state in {RunState.SUCCEEDED, RunState.QUEUED}


def test_a_key_is_replaced_once_the_new_one_opens_the_place(
    organization: Any, add: Add, sync: Sync, bucket: tuple[StrictS3, dict[str, Any]], stranger: Any
) -> None:
    server, given = bucket
    source = add(**given)
    sync(source)
    with tenant_context(organization.id):
        before = Source.objects.get().sealed
        with pytest.raises(CredentialsRefused):
            source_rekey(source_id=source.id, credentials=NEW)
        assert Source.objects.get().sealed == before, "a key that opens nothing replaces none"
    server.keys = {NEW["access_key"]: NEW["secret_key"]}
    assert sync(source).state == RunState.FAILED
    with tenant_context(organization.id):
        source_rekey(source_id=source.id, credentials=NEW)
        row = Source.objects.get()
        assert row.error == {} and row.sealed != before and NEW["secret_key"] not in row.sealed
        (told,) = AuditEvent.objects.filter(action="source.rekey")
        assert "secret" not in str(told.detail)
    counts = sync(source).result["counts"]
    assert counts["unchanged"] == 3 and not counts.get("read"), "what was read stays read"
    with tenant_context(stranger.organization_id), pytest.raises(NotFound):
        source_rekey(source_id=source.id, credentials=NEW)


def test_programs_and_the_command_replace_it_too(
    organization: Any, owner: Any, stranger: Any, add: Add, bucket: tuple[StrictS3, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server, given = bucket
    source = add(**given)
    server.keys = {NEW["access_key"]: NEW["secret_key"]}
    answers = []
    for member in (stranger, owner):
        with tenant_context(member.organization_id, member.user_id):
            _, key = api_key_create(member=member, name="test", scopes=frozenset({"source.manage"}))
        path = f"/api/v1/sources/{source.id}/credentials"
        headers = {"Authorization": f"Bearer {key}"}
        answers.append(Client().put(path, NEW, content_type="application/json", headers=headers))
    assert [answer.status_code for answer in answers] == [404, 200]
    assert NEW["secret_key"] not in answers[1].content.decode()
    server.keys = {"AKIATHIRD": "third"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"access_key": "AKIATHIRD", "secret_key": "third"})))
    out = io.StringIO()
    words = ("source", "rekey", "--organization", organization.name, "--collection", "制度", "--name", "桶")
    call_command("knowledge", *words, "--credentials-stdin", "--json", stdout=out)
    assert json.loads(out.getvalue())["name"] == "桶" and "third" not in out.getvalue()


def test_a_folder_has_no_key(organization: Any, add: Add) -> None:
    source = add()
    with tenant_context(organization.id), pytest.raises(InvalidInput):
        source_rekey(source_id=source.id, credentials=NEW)
