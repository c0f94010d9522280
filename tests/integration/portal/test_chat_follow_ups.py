"""A follow-up is searched in full and says so, a new topic is not; the answer grows by checked sentences."""

import json
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.answering import Asker, answer
from liaoyuan.deployment.selectors import deployment_live
from liaoyuan.knowledge import followups
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.rewriting import Turn
from tests.integration.deployment.conftest import Clinic, clinic, embeddings
from tests.integration.portal.test_chat import QUESTION, UNANSWERABLE, ask, browser, reader, shown

__all__ = ["clinic", "embeddings", "reader"]


def test_a_follow_up_is_searched_with_its_topic_and_the_page_says_so(clinic: Clinic, reader: Any) -> None:
    window = browser(reader)
    first = shown(window, ask(window, clinic, QUESTION))
    assert first.searched == ""
    place = first.conversation.rstrip("/").split("/")[-1]
    found = ask(window, clinic, "它过期了怎么处理？", conversation=place)
    second = shown(window, found)
    assert second.question == "它过期了怎么处理？"
    assert second.searched.startswith("速干手消毒剂开启后的有效期")
    assert second.searched in window.get(second.conversation).content.decode()
    third = shown(window, ask(window, clinic, UNANSWERABLE, conversation=place))
    assert (third.searched, third.shape) == ("", "abstained")


def test_what_is_told_is_the_beginning_of_the_answer(clinic: Clinic, reader: Any) -> None:
    told: list[str] = []
    found = _answer(clinic, QUESTION, tell=told.append)
    assert told and "".join(told) == found.text
    assert all(verdict["supported"] for verdict in found.sentences)
    assert found.citations[0]["quote"] in found.text


def test_nothing_is_told_of_a_question_that_is_not_answered(clinic: Clinic, reader: Any) -> None:
    told: list[str] = []
    assert _answer(clinic, UNANSWERABLE, tell=told.append).abstained
    assert told == []


@pytest.mark.parametrize(("asked", "searched"), [("那免洗洗手液呢？", True), (UNANSWERABLE, False)])
def test_a_service_gets_the_same_by_its_history(clinic: Clinic, reader: Any, asked: str, searched: bool) -> None:
    found = _answer(clinic, asked, history=[Turn(QUESTION)])
    assert bool(found.searched) is searched


def test_what_may_be_asked_next_is_asked_by_a_form_and_hidden_with_its_document(
    clinic: Clinic, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followups, "BUDGET_SECONDS", 3600.0)
    window = browser(reader)
    turn = shown(window, ask(window, clinic, QUESTION))
    offered = turn.follow_ups[0]
    fields = {"question": offered.question, "conversation": offered.conversation, "key": offered.key}
    found = window.post(offered.address, fields)
    again = shown(window, found)
    assert (again.question, again.shape) == (offered.question, "answered")
    assert offered.question not in [each.question for each in again.follow_ups]
    with tenant_context(clinic.organization.id):
        versions = [source["document_version_id"] for source in _answer(clinic, QUESTION).citations]
        groups = dict(DocumentVersion.objects.filter(id__in=versions).values_list("id", "groups"))
        DocumentVersion.objects.filter(id__in=versions).update(groups=["board"])
    assert not shown(window, found).follow_ups
    with tenant_context(clinic.organization.id):
        for version, before in groups.items():
            DocumentVersion.objects.filter(id=version).update(groups=before)


def test_the_answer_is_json_ready(clinic: Clinic, reader: Any) -> None:
    found = _answer(clinic, QUESTION)
    assert json.dumps([found.citations, found.sentences, found.contradictions])


def _answer(clinic: Clinic, question: str, **more: Any) -> Any:
    with tenant_context(clinic.organization.id):
        deployment = deployment_live(clinic.solution_id)
    assert deployment is not None
    return answer(asker=Asker(clinic.organization.id, None, None), deployment=deployment, question=question, **more)
