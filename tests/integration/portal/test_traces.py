"""Traces: the list with its filters and cursor, one answer's page, and what is withheld from whom."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaoyuan.accounts.models import Member
from liaoyuan.operations.models import Trace
from liaoyuan.portal.lineage.traces import A_PAGE
from tests.conftest import _member
from tests.integration.portal.passed import HIDDEN, QUESTION, SECRET, Passed, answer, passed_make
from tests.integration.portal.windows import as_member, inert, window


@pytest.fixture
def passed(owner: Member) -> Passed:
    return as_member(owner, lambda: passed_make(owner.organization, owner))


@pytest.fixture
def auditor(passed: Passed) -> Member:
    """Watches over answers, and is in no document group."""
    found: Member = _member(passed.organization, "auditor")
    return found


def rows(member: Member, query: str = "") -> list[Any]:
    answered = window(member).get(f"/traces/{query}")
    assert answered.status_code == 200
    return list(answered.context["page"].rows)


def test_nothing_was_asked_yet(owner: Member) -> None:
    answered = window(owner).get("/traces/")
    assert 'class="empty"' in answered.content.decode()


def test_the_list_is_filtered(owner: Member, passed: Passed) -> None:
    assert len(rows(owner)) == 4
    assert [row.outcome for row in rows(owner, "?outcome=blocked")] == ["blocked"]
    assert [row.id for row in rows(owner, "?verdict=unhelpful")] == [passed.answers["open"]]
    assert len(rows(owner, "?verdict=none")) == 3
    assert [row.id for row in rows(owner, "?q=食堂 开饭")] == [passed.answers["declined"]]
    assert rows(owner, f"?solution={uuid4()}") == []
    assert len(rows(owner, f"?solution={passed.solution_id}&period=1")) == 4
    assert len(rows(owner, "?outcome=x&verdict=x&period=x&solution=x")) == 4


def test_the_cursor_walks_through_all_of_them_once(owner: Member, passed: Passed) -> None:
    as_member(owner, lambda: [answer(passed, f"n{number}") for number in range(A_PAGE + 3)])
    seen, query = [], ""
    while True:
        page = window(owner).get(f"/traces/{query}").context["page"]
        seen += [row.id for row in page.rows]
        if not page.older:
            break
        query = page.older
    assert len(seen) == len(set(seen)) == A_PAGE + 7
    assert len(rows(owner, "?before=nonsense")) == A_PAGE


def test_what_quotes_other_peoples_documents_is_withheld_and_cannot_be_searched(
    owner: Member, auditor: Member, passed: Passed
) -> None:
    listed = {row.id: row for row in rows(auditor)}
    assert listed[passed.answers["secret"]].withheld
    assert not listed[passed.answers["open"]].withheld
    assert rows(auditor, "?q=青松七号") == []
    assert [row.id for row in rows(owner, "?q=青松七号")] == [passed.answers["secret"]]
    page = window(auditor).get(f"/traces/{passed.answers['secret']}/").content.decode()
    assert HIDDEN not in page
    assert SECRET not in page
    assert "密钥代号" not in page


def test_one_answer_shows_its_steps_its_evidence_and_what_was_decided(owner: Member, passed: Passed) -> None:
    page = window(owner).get(f"/traces/{passed.answers['open']}/").context["page"]
    assert [str(bar.name) for bar in page.bars] == ["guardrail", "search"]
    assert page.bars[0].detail == "question · let through"
    assert page.bars[1].start > page.bars[0].start
    cited = page.citations[0]
    # The citation's own block, page and version: the document opens at the box.
    assert cited.address.endswith("&page=2&block=4")
    assert str(passed.documents["手卫生管理规定"]) in cited.address
    assert page.asker == passed.owner.user.email
    assert [(item.comment, str(reason)) for item, reason, _who in page.feedback] == [("已改版", "out of date")]
    assert page.bundle.number == 1


def test_a_stranger_and_a_viewer_see_no_trace(stranger: Member, viewer: Member, passed: Passed) -> None:
    path = f"/traces/{passed.answers['open']}/"
    foreign, missing = window(stranger).get(path), window(stranger).get(f"/traces/{uuid4()}/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert inert(foreign) == inert(missing)
    assert rows(stranger) == []
    assert window(viewer).get(path).status_code == 403
    assert window(viewer).get("/traces/").status_code == 403


def test_what_somebody_asked_is_never_markup(owner: Member, passed: Passed) -> None:
    as_member(owner, lambda: answer(passed, "markup", question="<script>alert(1)</script>", answer="<b>x</b>"))
    text = window(owner).get("/traces/").content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_list_asks_no_more_when_there_are_more(auditor: Member, owner: Member, passed: Passed) -> None:
    client = window(auditor)

    def questions() -> int:
        # Once a minute a session is noted as alive, which asks more: this one was noted a moment ago.
        client.get("/traces/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/traces/")
        return len(asked)

    before = questions()
    as_member(owner, lambda: [answer(passed, f"n{number}") for number in range(15)])
    assert questions() == before
    assert as_member(owner, Trace.objects.count) == 19


def test_who_may_judge_comes_from_an_answer_to_the_reason_why_it_was_bad(
    owner: Member, auditor: Member, viewer: Member, passed: Passed
) -> None:
    path, why = f"/traces/{passed.answers['open']}/", f"/collections/{passed.collection_id}/evaluation/verdict/?trace="
    client = window(owner)
    address = f"{why}{passed.answers['open']}"
    assert f'href="{address}"' in client.get(path).content.decode()
    judged = client.get(address)
    assert judged.status_code == 200
    assert judged.context["trace"].id == passed.answers["open"]
    assert QUESTION in judged.content.decode()
    # An auditor sees the trace and judges nothing; a viewer sees neither.
    assert why not in window(auditor).get(path).content.decode()
    refused = window(viewer).get(path)
    assert (refused.status_code, why in refused.content.decode()) == (403, False)
    assert window(viewer).get(address).status_code == 403
    # What the guardrail stopped never asked the documents.
    assert why not in client.get(f"/traces/{passed.answers['blocked']}/").content.decode()
