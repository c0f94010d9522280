"""The live page: events as they come, resumed where it stopped, nothing of a stranger, no transaction held."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.events import event_write
from liaoyuan.pipeline.feed import event_stream
from liaoyuan.pipeline.services import stage_run_execute, stage_run_retry

Start = Callable[..., UUID]


async def take(stream: Any, count: int) -> list[dict[str, str]]:
    """The next ``count`` events, parsed as a browser would."""
    found: list[dict[str, str]] = []
    while len(found) < count:
        body = (await asyncio.wait_for(anext(stream), timeout=10)).decode()
        fields = dict(line.split(": ", 1) for line in body.strip().splitlines() if not line.startswith(":"))
        if "id" in fields:
            found.append(fields)
    return found


async def test_events_come_in_order_and_resume_after_the_last_id(start: Start, organization: Any) -> None:
    run_id = await sync_to_async(start)("log")
    stream = event_stream(organization.id, run_id=run_id)
    assert [event["event"] for event in await take(stream, 1)] == ["queued"]
    await sync_to_async(stage_run_execute)(run_id=run_id)
    rest = await take(stream, 4)
    assert [event["event"] for event in rest] == ["started", "log", "progress", "succeeded"]
    assert json.loads(rest[2]["data"])["message_zh"] == "一半"
    await stream.aclose()
    again = event_stream(organization.id, run_id=run_id, after_seq=int(rest[1]["id"]))
    assert [event["event"] for event in await take(again, 2)] == ["progress", "succeeded"]
    await again.aclose()


async def rest_of(stream: Any) -> list[dict[str, str]]:
    """The events until the stream ends by itself."""
    found: list[dict[str, str]] = []
    with suppress(StopAsyncIteration):
        while True:
            found += await take(stream, 1)
    return found


async def test_a_runs_stream_ends_with_the_state_that_the_run_reached(start: Start, organization: Any) -> None:
    run_id = await sync_to_async(start)("log")
    watched = event_stream(organization.id, run_id=run_id)
    (first,) = await take(watched, 1)
    await sync_to_async(stage_run_execute)(run_id=run_id)
    seen = [first, *await rest_of(watched)]
    assert [event["event"] for event in seen] == ["queued", "started", "log", "progress", "succeeded", "end"]
    assert json.loads(seen[-1]["data"]) == {"run_id": str(run_id), "state": "succeeded"}
    # Who comes later hears the same, and who saw it all only that it has ended.
    later = await rest_of(event_stream(organization.id, run_id=run_id))
    assert [event["id"] for event in later] == [event["id"] for event in seen]
    last = int(seen[-1]["id"])
    assert last == int(seen[-2]["id"])
    assert await rest_of(event_stream(organization.id, run_id=run_id, after_seq=last)) == seen[-1:]


async def test_a_run_that_is_tried_again_is_followed_on(start: Start, organization: Any, owner: Any) -> None:
    run_id = await sync_to_async(start)("fail")
    await sync_to_async(stage_run_execute)(run_id=run_id)
    principal = Principal(user_id=owner.user_id, organization_id=organization.id, role="owner")

    def again() -> None:
        with tenant_context(organization.id, owner.user_id):
            stage_run_retry(principal=principal, run_id=run_id)

    ended = await rest_of(event_stream(organization.id, run_id=run_id))
    assert (ended[-1]["event"], json.loads(ended[-1]["data"])["state"]) == ("end", "failed")
    await sync_to_async(again)()
    stream = event_stream(organization.id, run_id=run_id, after_seq=int(ended[-1]["id"]))
    assert (await take(stream, 1))[0]["event"] != "end"
    await stream.aclose()


async def test_a_solutions_stream_carries_all_its_stages(start_pipeline: Any, row: Any, organization: Any) -> None:
    runs = await sync_to_async(start_pipeline)()
    solution_id = (await sync_to_async(row)(runs[0])).solution_id
    stream = event_stream(organization.id, solution_id=solution_id)
    stages = [json.loads(event["data"])["stage"] for event in await take(stream, 6)]
    assert stages == ["compute", "data", "training", "deployment", "security", "operations"]
    await stream.aclose()


async def test_an_event_that_commits_late_is_not_missed(start: Start, organization: Any) -> None:
    """Two transactions take numbers 1 and 2; the second commits first, and the page has seen it already."""
    run_id = await sync_to_async(start)()
    opened, close = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        from django.db import connections

        with tenant_context(organization.id):
            event_write(run_id=run_id, organization_id=organization.id, kind="slow")
            loop.call_soon_threadsafe(opened.set)
            asyncio.run_coroutine_threadsafe(close.wait(), loop).result(timeout=10)
        connections.close_all()

    def quick() -> None:
        with tenant_context(organization.id):
            event_write(run_id=run_id, organization_id=organization.id, kind="quick")

    stream = event_stream(organization.id, run_id=run_id)
    await take(stream, 1)
    writer = asyncio.create_task(asyncio.to_thread(slow))
    await opened.wait()
    await sync_to_async(quick)()
    assert [event["event"] for event in await take(stream, 1)] == ["quick"]
    close.set()
    await writer
    assert [event["event"] for event in await take(stream, 1)] == ["slow"]
    await stream.aclose()


async def test_a_stranger_gets_not_found_and_no_byte(start: Start, other_organization: Any) -> None:
    run_id = await sync_to_async(start)()
    with pytest.raises(NotFound):
        await anext(event_stream(other_organization.id, run_id=run_id))
