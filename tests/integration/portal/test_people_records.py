"""Keys, audit log, organization and account pages, as their people meet them."""

import csv
import io
import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from liaoyuan.accounts.models import ApiKey, AuditEvent, Member, Organization
from liaoyuan.accounts.services import audit_record, organization_create
from liaoyuan.accounts.tenancy import tenant_context
from tests.integration.accounts.test_audit import tamper
from tests.integration.portal.test_people_members import browser, inert, once

KEYS = "/organization/keys/"
AUDIT = "/organization/audit/"
SETTINGS = "/organization/settings/"


def key_make(client: Any, **more: Any) -> Any:
    form = {"name": "ward", "days": "30", "scopes": ["ask"], "once": once(client, KEYS + "new")} | more
    return client.post(KEYS + "new", form)


# Keys


def test_a_key_is_shown_once_and_works(owner: Member) -> None:
    from liaoyuan.accounts.resolver import principal_from_key

    client = browser(owner)
    raw = key_make(client).context["raw"]
    found = principal_from_key(raw)
    assert (found.user_id, found.scopes) == (owner.user_id, frozenset({"ask"}))
    assert raw not in client.get(KEYS).content.decode()
    assert client.get(KEYS).context["found"].live[0].used is not None


def test_a_key_cannot_do_more_than_its_owners_role(organization: Organization, owner: Member) -> None:
    from tests.conftest import _member

    developer = _member(organization, "developer")
    client = browser(developer)
    offered = {scope.action for _, scopes in client.get(KEYS + "new").context["groups"] for scope in scopes}
    assert "member.manage" not in offered
    assert "ask" in offered
    assert key_make(client, scopes=["member.manage"]).status_code == 422
    assert key_make(client, scopes=[]).status_code == 422
    with tenant_context(organization.id):
        assert not ApiKey.objects.exists()


def test_one_sees_ones_own_keys_and_an_owner_all(organization: Organization, owner: Member) -> None:
    from tests.conftest import _member

    developer = _member(organization, "developer")
    key_make(browser(owner), name="of the owner")
    key_make(browser(developer), name="of the developer")
    assert [key.name for key in browser(developer).get(KEYS).context["found"].live] == ["of the developer"]
    assert len(browser(owner).get(KEYS).context["found"].live) == 2
    with tenant_context(organization.id):
        theirs = ApiKey.objects.get(name="of the owner").id
        mine = ApiKey.objects.get(name="of the developer").id
    refused = browser(developer).post(f"{KEYS}{theirs}/revoke")
    missing = browser(developer).post(f"{KEYS}{uuid.uuid4()}/revoke")
    assert (refused.status_code, inert(refused)) == (404, inert(missing))
    assert browser(owner).post(f"{KEYS}{mine}/revoke").status_code == 302
    ended = browser(owner).get(KEYS).context["found"].ended
    assert [(key.name, key.state) for key in ended] == [("of the developer", "revoked")]


def test_a_second_click_makes_no_second_key(owner: Member) -> None:
    client = browser(owner)
    ticket = once(client, KEYS + "new")
    assert [key_make(client, once=ticket).status_code for _ in range(2)] == [200, 302]
    with tenant_context(owner.organization_id):
        assert ApiKey.objects.count() == 1


def test_the_texts_to_paste_have_the_address_and_the_key(owner: Member) -> None:
    made = key_make(browser(owner)).context
    assert "http://testserver/v1/chat/completions" in made["usage"].curl
    assert made["raw"] in made["usage"].openai


# Audit


def test_the_log_is_narrowed_paged_and_named(owner: Member, viewer: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        for number in range(60):
            audit_record(
                action="document.import", object_kind="collection", object_id=uuid.uuid4(), detail={"n": number}
            )
    client = browser(owner)
    first = client.get(AUDIT, {"action": "document.import", "actor": str(owner.user_id)})
    assert len(first.context["entries"]) == 50
    assert {entry.actor for entry in first.context["entries"]} == {owner.user.email}
    second = client.get(f"{AUDIT}?{first.context['older']}")
    assert len(second.context["entries"]) == 10
    assert second.context["older"] == ""
    nothing = client.get(AUDIT, {"actor": str(viewer.user_id)})
    assert "No entry fits" in nothing.content.decode()


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=99999999999999999999", "since=never", "actor=x", "action=%00"]
)
def test_a_filter_that_makes_no_sense_is_as_if_it_were_empty(owner: Member, query: str) -> None:
    assert browser(owner).get(f"{AUDIT}?{query}").status_code == 200


def test_a_day_is_the_readers_day_and_whole(owner: Member) -> None:
    today = timezone.localdate().isoformat()
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    client = browser(owner)
    assert client.get(AUDIT, {"since": today, "until": today}).context["entries"]
    assert not client.get(AUDIT, {"since": tomorrow}).context["entries"]


def test_the_button_walks_the_chain_and_finds_what_was_changed(owner: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        for _ in range(3):
            audit_record(action="document.import", object_kind="collection", object_id="1")
    client = browser(owner)
    assert "The chain is whole: 4 entries checked" in client.post(AUDIT + "verify").content.decode()
    tamper(
        "UPDATE accounts_auditevent SET object_id = '2' WHERE organization_id = %s AND seq = 3", owner.organization_id
    )
    fragment = client.post(AUDIT + "verify", headers={"HX-Request": "true"}).content.decode()
    assert "The chain breaks at entry 3" in fragment
    assert "<html" not in fragment


async def whole(answer: Any) -> bytes:
    """What a streaming answer says to its end, read as the server reads it."""
    return b"".join([part async for part in answer])


def test_the_log_to_take_away_is_whole_defused_and_itself_recorded(owner: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        for number in range(450):
            detail = {"name": "=cmd|calc"}
            audit_record(action="document.import", object_kind="collection", object_id=f"=1+{number}", detail=detail)
    answer = browser(owner).get(AUDIT + "export.csv", {"action": "document.import"})
    text = async_to_sync(whole)(answer).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 450
    assert all(row["object_id"].startswith("'=") for row in rows)
    assert len({row["seq"] for row in rows}) == 450
    with tenant_context(owner.organization_id):
        last = AuditEvent.objects.order_by("-seq")[0]
    assert (last.action, last.detail) == ("audit.export", {"action": "document.import"})


def test_another_organizations_log_cannot_be_filtered_for(owner: Member, stranger: Member) -> None:
    with tenant_context(stranger.organization_id, stranger.user_id):
        audit_record(action="document.import", object_kind="collection", object_id="theirs")
    found = browser(owner).get(AUDIT, {"subject": "theirs"})
    assert found.context["entries"] == []


# Organization


def test_an_owner_renames_the_organization_and_it_is_recorded(owner: Member, organization: Organization) -> None:
    client = browser(owner)
    name = f"Ward {uuid.uuid4().hex[:8]}"
    assert client.post(SETTINGS, {"name": f" {name}\u200b "}).status_code == 302
    with tenant_context(organization.id):
        assert Organization.objects.get(id=organization.id).name == name
        assert AuditEvent.objects.order_by("-seq")[0].detail == {"from": organization.name, "to": name}
    assert name in client.get(SETTINGS).content.decode()


@pytest.mark.parametrize("name", ["", "\u200b\u202e", "x" * 121])
def test_a_name_that_nobody_can_read_is_refused(owner: Member, name: str) -> None:
    assert browser(owner).post(SETTINGS, {"name": name}).status_code == 422


def test_a_taken_name_is_said_in_a_sentence(owner: Member) -> None:
    other, _ = organization_create(name=f"taken {uuid.uuid4()}")
    came_from = {"Referer": f"http://testserver{SETTINGS}"}
    answer = browser(owner).post(SETTINGS, {"name": other.name}, follow=True, headers=came_from)
    assert "is taken" in answer.content.decode()


def test_the_quota_in_force_is_shown_with_what_was_used(owner: Member) -> None:
    from liaoyuan.operations.models import Trace

    with tenant_context(owner.organization_id):
        Trace.objects.create(
            organization_id=owner.organization_id,
            question="?",
            mode="x",
            prompt_tokens=400_000,
            completion_tokens=100_000,
        )
    found = browser(owner).get(SETTINGS).context["found"]
    assert (found.tokens_used, found.tokens_quota, found.tokens_percent) == (500_000, 2_000_000, 25)


# Account


def test_language_and_zone_of_ones_own_count_on_every_page(viewer: Member) -> None:
    client = browser(viewer)
    saved = client.post("/account/", {"name": "Lin\u202e", "language": "zh-hans", "time_zone": "America/New_York"})
    assert saved.status_code == 302
    viewer.user.refresh_from_db()
    assert (viewer.user.name, viewer.user.time_zone) == ("Lin", "America/New_York")
    del client.cookies[settings.LANGUAGE_COOKIE_NAME]  # a browser forgets it when told to, this client keeps it empty
    page = client.get("/account/").content.decode()
    assert 'lang="zh-hans"' in page.lower()
    assert "账号" in page


@pytest.mark.parametrize("wrong", [{"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"time_zone": "../etc/passwd"}])
def test_an_unknown_language_or_zone_is_refused(viewer: Member, wrong: dict[str, str]) -> None:
    form = {"name": "", "language": "", "time_zone": ""} | wrong
    assert browser(viewer).post("/account/", form).status_code == 422


def test_what_one_did_is_on_ones_own_page_and_nobody_elses(viewer: Member, steward: Member) -> None:
    with tenant_context(viewer.organization_id, viewer.user_id):
        audit_record(action="feedback.give", object_kind="trace", object_id="1")
    assert [entry.code for entry in browser(viewer).get("/account/").context["found"].entries] == ["feedback.give"]
    assert browser(steward).get("/account/").context["found"].entries == []


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/126 Safari/537 Edg/126", "Edge · Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/17 Safari/605", "Safari · macOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>alert(1)</script>", "<script>alert"),
        ("", "Unknown"),
    ],
)
def test_a_browser_is_named_in_short(agent: str, name: str, in_english: None) -> None:
    from liaoyuan.portal.account.selectors import device_name

    assert device_name(agent) == name


@pytest.fixture
def in_english() -> Any:
    from django.utils import translation

    with translation.override("en"):
        yield


def test_pages_ask_the_database_as_often_for_many_as_for_few(owner: Member, organization: Organization) -> None:
    """No query a row: fifty more members and entries cost none."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.conftest import _member

    client = browser(owner)

    def asked() -> list[int]:
        counts = []
        for path in ("/organization/members/", AUDIT, KEYS):
            client.get(path)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            counts.append(len(queries))
        return counts

    few = asked()
    for number in range(25):
        member = _member(organization, "viewer" if number % 2 else "developer")
        with tenant_context(organization.id, member.user_id):
            audit_record(action="feedback.give", object_kind="trace", object_id=str(number))
    key_make(client)
    key_make(client, name="second")
    many = asked()
    # One more at most, in all: the names of those who acted, where at first nobody had.
    assert all(more - less <= 1 for more, less in zip(many, few, strict=True)), (few, many)
    assert max(many) < 40, json.dumps(many)


def test_the_json_in_a_detail_is_text(owner: Member) -> None:
    with tenant_context(owner.organization_id, owner.user_id):
        detail = {"<b>k</b>": "<img src=x>", "list": [1, "中"]}
        audit_record(action="document.import", object_kind="collection", object_id="1", detail=detail)
    text = browser(owner).get(AUDIT).content.decode()
    assert "<img src=x>" not in text
    assert "<b>k</b>" not in text
    assert re.search(r"\[1, &quot;中&quot;\]", text)
