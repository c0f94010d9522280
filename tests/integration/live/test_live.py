"""``/live``: what happens in one's organization, on one connection, for as long as one may know it."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.services import member_disable, member_role_set, organization_create
from liaoyuan.accounts.services.members import member_add
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.portal.live import STREAMS_A_USER
from tests.integration.live.conftest import Listener
from tests.integration.live.proxy import Proxy
from tests.stages import scripted_stages

Listen = Callable[..., Listener]
SignedIn = Callable[[Any], Client]
Write = Callable[..., None]
# What the page promises: it knows within ten seconds.
RIGHTS = 10.0


def test_an_event_arrives_as_it_is_committed(
    listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID, write: Write
) -> None:
    stream = listen(signed_in(owner))
    assert stream.next().name == "ready"
    began = time.monotonic()
    write(run_id, progress=0.5, message_zh="一半", message_en="half")
    found = stream.next()
    assert found.at - began < 1.0
    assert (found.name, found.data["run_id"], found.data["stage"]) == ("progress", str(run_id), "evaluate")
    assert (found.data["state"], found.data["progress"], found.data["message_zh"]) == ("queued", 0.5, "一半")


def test_the_answer_asks_every_proxy_to_pass_it_on(listen: Listen, signed_in: SignedIn, owner: Any) -> None:
    stream = listen(signed_in(owner))
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert {"no-store", "no-transform"} <= set(stream.headers["cache-control"].split(", "))
    assert stream.headers["x-accel-buffering"] == "no"


def test_a_proxy_that_gathers_bytes_delays_an_event_by_no_more_than_its_own_second(
    listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID, write: Write, proxy: Proxy
) -> None:
    began = time.monotonic()
    stream = listen(signed_in(owner), url=proxy.url)
    assert stream.next().at - began < 2.0
    for step in range(3):
        began = time.monotonic()
        write(run_id, progress=step)
        assert stream.next().at - began < 2.0


def test_a_reader_comes_back_to_where_it_was(
    listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID, write: Write
) -> None:
    client = signed_in(owner)
    first = listen(client)
    last = first.next().id
    first.close()
    write(run_id, "log", n=1)
    again = listen(client, **{"Last-Event-ID": last})
    assert again.next().name == "ready"
    assert again.next().data["n"] == 1
    by_query = listen(client, f"?after={last}")
    assert [by_query.next().name for _ in range(2)] == ["ready", "log"]


def test_a_page_hears_what_happened_since_it_was_rendered(
    listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID
) -> None:
    stream = listen(signed_in(owner), "?age=30")
    assert [stream.next().name for _ in range(2)] == ["ready", "queued"]


def test_a_reader_that_was_away_for_long_is_told_to_look_at_everything_anew(
    listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.pipeline.news.REACH", 3)
    client = signed_in(owner)
    first = listen(client)
    last = int(first.next().id)
    for _ in range(5):
        write(run_id)
    stream = listen(client, f"?after={last}")
    told = stream.next()
    assert (told.name, int(told.id)) == ("again", last + 5)
    assert stream.silent(0.5)


@pytest.mark.parametrize("number", ["-1", "x", "9" * 40, "１２", ""])
def test_a_senseless_number_begins_now(
    number: str, listen: Listen, signed_in: SignedIn, owner: Any, run_id: UUID
) -> None:
    stream = listen(signed_in(owner), f"?after={number}")
    assert stream.next().name == "ready"
    assert stream.silent(0.3)


def test_a_stranger_hears_nothing(
    listen: Listen, signed_in: SignedIn, stranger: Any, organization: Any, run_id: UUID, write: Write
) -> None:
    client = signed_in(stranger)
    stream = listen(client, "?age=60")
    assert stream.next().name == "ready"
    write(run_id)
    assert stream.silent(1.0)
    assert listen(client, f"?organization={organization.id}").status == 404
    assert listen(client, "?organization=x").status == 404


def test_nobody_is_sent_to_the_login(listen: Listen) -> None:
    stream = listen(Client())
    assert stream.status == 302
    assert stream.headers["location"].startswith("/accounts/login/")


def test_a_tab_keeps_its_own_organization(
    listen: Listen, signed_in: SignedIn, owner: Any, organization: Any, run_id: UUID, write: Write
) -> None:
    """In another tab the same person chose another organization."""
    other = organization_create(name=f"second {run_id}")[0]
    with tenant_context(other.id):
        member_add(user=owner.user, role=Role.VIEWER)
    client = signed_in(owner)
    session = client.session
    session["organization"] = str(other.id)
    session.save()
    here, there = listen(client, f"?organization={organization.id}"), listen(client)
    assert (here.next().name, there.next().name) == ("ready", "ready")
    write(run_id)
    assert here.next().name == "progress"
    assert there.silent(0.5)


def test_the_names_of_imported_files_are_not_for_everybody(
    listen: Listen, signed_in: SignedIn, organization: Any, owner: Any, viewer: Any, write: Write
) -> None:
    with scripted_stages(), tenant_context(organization.id, owner.user_id):
        imported = stage_run_start(stage="ingest", spec={"do": "succeed"}).id
    streams = [listen(signed_in(member)) for member in (owner, viewer)]
    assert [stream.next().name for stream in streams] == ["ready", "ready"]
    write(imported, progress=0.5, message_zh="1/2：院长办公室内部纪要.md", message="院长办公室内部纪要.md: unreadable")
    seen, bare = (stream.next().data for stream in streams)
    assert "纪要" in seen["message_zh"]
    assert "纪要" not in str(bare)
    assert (bare["run_id"], bare["progress"], bare["state"]) == (str(imported), 0.5, "queued")


def test_signing_out_ends_the_stream(listen: Listen, signed_in: SignedIn, owner: Any) -> None:
    client = signed_in(owner)
    stream = listen(client)
    stream.until("ready")
    client.post("/accounts/logout/")
    assert stream.until("ended", RIGHTS).data == {"reason": "session"}
    assert stream.closed.wait(2)


def test_a_session_that_ran_out_or_an_old_password_ends_the_stream(
    listen: Listen, signed_in: SignedIn, owner: Any, viewer: Any
) -> None:
    clients = [signed_in(owner), signed_in(viewer)]
    streams = [listen(client) for client in clients]
    for stream in streams:
        stream.until("ready")
    Session.objects.filter(session_key=clients[0].session.session_key).update(expire_date="2020-01-01T00:00:00Z")
    viewer.user.set_password("another password 42")
    viewer.user.save()
    for stream in streams:
        assert stream.until("ended", RIGHTS).data == {"reason": "session"}


def test_a_disabled_member_and_another_role_end_the_stream(
    listen: Listen, signed_in: SignedIn, organization: Any, owner: Any, steward: Any, viewer: Any
) -> None:
    streams = [listen(signed_in(member)) for member in (steward, viewer, owner)]
    for stream in streams:
        stream.until("ready")
    with tenant_context(organization.id, owner.user_id):
        member_disable(member_id=steward.id)
        member_role_set(member_id=viewer.id, role=Role.AUDITOR)
    assert streams[0].until("ended", RIGHTS).data == {"reason": "rights"}
    assert streams[1].until("ended", RIGHTS).data == {"reason": "rights"}
    assert streams[2].silent(0.5)
    assert not streams[2].closed.is_set()


def test_one_person_has_a_few_streams_and_is_told_so(listen: Listen, signed_in: SignedIn, owner: Any) -> None:
    client = signed_in(owner)
    streams = [listen(client) for _ in range(STREAMS_A_USER)]
    for stream in streams:
        stream.until("ready")
    refused = listen(client)
    assert refused.status == 429
    streams[0].close()
    # The server notices when it next writes, and here at once: the connection is closed.
    end = time.monotonic() + 5
    while listen(client).status != 200:
        assert time.monotonic() < end, "a closed stream still takes a place"
        time.sleep(0.1)


def test_a_stream_ends_after_its_time_and_the_browser_comes_back(
    listen: Listen, signed_in: SignedIn, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.portal.live.LIFE_SECONDS", 0.5)
    stream = listen(signed_in(owner))
    assert stream.next().id
    assert stream.closed.wait(3)


def test_silence_is_broken_by_comments(
    listen: Listen, signed_in: SignedIn, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan.pipeline.feed.HEARTBEAT_SECONDS", 0.2)
    stream = listen(signed_in(owner))
    stream.until("ready")
    before = stream.comments
    time.sleep(1.0)
    assert stream.comments - before >= 2
