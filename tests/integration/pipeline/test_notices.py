"""What a person is told: what they may act on, how their own requests ended, and nothing twice."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.notices import notices, notices_read, unread_count
from liaoyuan.pipeline.services import stage_run_execute, stage_run_retry

Start = Callable[..., UUID]


def seen(who: Principal) -> list[tuple[str, bool]]:
    with tenant_context(who.organization_id, who.user_id):
        return [(notice.need, notice.unread) for notice in notices(who)]


def unread(who: Principal) -> int:
    with tenant_context(who.organization_id, who.user_id):
        return unread_count(who)


def test_an_owner_hears_of_approvals_failures_and_ends(principal: Principal, start: Start) -> None:
    for do, stage in (("approval", "deployment"), ("fail", "training"), ("succeed", "ingest"), ("succeed", "data")):
        stage_run_execute(run_id=start(do, stage=stage), worker="w")
    # A stage in the middle of its pipeline is no news.
    assert seen(principal) == [("done", True), ("failed", True), ("approval", True)]
    assert unread(principal) == 3


def test_a_viewer_hears_of_nothing_that_others_began(organization: Any, viewer: Any, start: Start) -> None:
    who = Principal(user_id=viewer.user_id, organization_id=organization.id, role="viewer")
    for do in ("approval", "fail", "succeed"):
        stage_run_execute(run_id=start(do), worker="w")
    assert (seen(who), unread(who)) == ([], 0)


def test_a_stranger_hears_nothing(stranger: Any, start: Start) -> None:
    who = Principal(user_id=stranger.user_id, organization_id=stranger.organization_id, role="owner")
    stage_run_execute(run_id=start("fail"), worker="w")
    assert seen(who) == []


def test_what_was_read_stays_read(principal: Principal, start: Start) -> None:
    run = start("fail")
    stage_run_execute(run_id=run, worker="w")
    with tenant_context(principal.organization_id, principal.user_id):
        last = notices(principal)[0].event.seq
        notices_read(principal, upto=last)
        notices_read(principal, upto=1)
    assert (seen(principal), unread(principal)) == ([("failed", False)], 0)
    with tenant_context(principal.organization_id, principal.user_id):
        stage_run_retry(principal=principal, run_id=run)
    # One's own retry is no news; its failure is.
    assert unread(principal) == 0
    stage_run_execute(run_id=run, worker="w")
    assert unread(principal) == 1
