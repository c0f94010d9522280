"""Pages and API of the evaluation: who may do what, and what strangers learn (nothing)."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.services import member_add, user_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.models import QuestionSet, QuestionState, TestQuestion
from liaoyuan.knowledge.questions.services import question_add, set_create

EDIT = {Role.OWNER, Role.STEWARD, Role.DEVELOPER, Role.ANNOTATOR}
RUN = {Role.OWNER, Role.STEWARD, Role.DEVELOPER}


def client_of(organization: Any, role: Role) -> Client:
    with tenant_context(organization.id):
        user, _ = user_create(
            email=f"{role}-{organization.id.hex[:12]}@example.org", password="蓝田日暖 correct horse 9"
        )
        member_add(user=user, role=role)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def question(collection: Any, organization: Any) -> TestQuestion:
    with tenant_context(organization.id):
        home = set_create(collection_id=collection.id, name="验收")
        chunk = Chunk.objects.get(locator="第三条")
        return question_add(
            collection_id=collection.id, set_id=home.id, question="废物最多放几天？", chunk_ids=[chunk.id],
            must_contain=["2天"], state=QuestionState.PROPOSED,
        )  # fmt: skip


def test_every_role_sees_the_numbers_and_only_some_change_them(
    collection: Any, organization: Any, question: TestQuestion
) -> None:
    for role in Role:
        _try(client_of(organization, role), collection, organization, question, role)


def _try(client: Client, collection: Any, organization: Any, question: TestQuestion, role: Role) -> None:
    here = [collection.id, question.question_set_id]
    assert client.get(reverse("evaluation", args=[collection.id])).status_code == 200
    assert client.get(reverse("question_set", args=here)).status_code == 200
    verdict = client.get(reverse("verdict", args=[collection.id]), {"question": "几天？", "expected": "2天"})
    assert verdict.status_code == (200 if role in EDIT else 403)
    client.post(reverse("question_review", args=here), {"question": question.id, "state": "approved"})
    with tenant_context(organization.id):
        question.refresh_from_db()
        assert (question.state == QuestionState.APPROVED) == (role in EDIT)
        TestQuestion.objects.filter(id=question.id).update(state=QuestionState.APPROVED)
    client.post(reverse("question_set_thresholds", args=here), {"metric": "recall@5", "value": "90"})
    client.post(reverse("evaluation_run", args=[collection.id]), {"set": question.question_set_id})
    with tenant_context(organization.id):
        home = QuestionSet.objects.get(id=question.question_set_id)
        assert (home.thresholds != []) == (role in RUN)
        assert home.evaluations.exists() == (role in RUN)
        home.evaluations.all().delete()
        QuestionSet.objects.filter(id=home.id).update(thresholds=[])
        TestQuestion.objects.filter(id=question.id).update(state=QuestionState.PROPOSED)


def test_a_stranger_finds_nothing_anywhere(
    collection: Any, organization: Any, other_organization: Any, question: TestQuestion
) -> None:
    client = client_of(other_organization, Role.OWNER)
    here = [collection.id, question.question_set_id]
    for url in (
        reverse("evaluation", args=[collection.id]),
        reverse("question_set", args=here),
        reverse("question_set_export", args=here),
        reverse("verdict", args=[collection.id]),
    ):
        assert client.get(url).status_code == 404, url
    assert client.post(reverse("question_set_change", args=here), {"state": "delete"}).status_code == 404
    with tenant_context(organization.id):
        assert QuestionSet.objects.filter(id=question.question_set_id).exists()
    assert client.get(f"/api/v1/question-sets/{question.question_set_id}").status_code == 404


def test_programs_do_the_same_over_the_api(collection: Any, organization: Any, question: TestQuestion) -> None:
    client = client_of(organization, Role.STEWARD)
    base = f"/api/v1/question-sets/{question.question_set_id}"
    shown = client.get(f"/api/v1/collections/{collection.id}/question-sets").json()["items"]
    assert shown[0]["questions"] == {"proposed": 1, "approved": 0, "rejected": 0}
    reviewed = client.post(
        f"{base}/review", {"questions": [str(question.id)], "state": "approved"}, content_type="application/json"
    )
    assert reviewed.json()["questions"]["approved"] == 1
    started = client.post(f"{base}/evaluate", {}, content_type="application/json")
    assert started.status_code == 202
    listed = client.get(f"/api/v1/collections/{collection.id}/evaluations").json()["items"]
    assert listed[0]["run_id"] == started.json()["runs"][0]["id"]
    asked = {"question": "废物最多放几天？", "expected": "不得超过2天", "answer": "七天"}
    verdict = client.post(f"/api/v1/collections/{collection.id}/verdict", asked, content_type="application/json")
    assert verdict.json()["cause"] == "generate"
    changed = client.put(
        f"{base}/thresholds",
        {"thresholds": [{"metric": "recall@5", "at_least": 2.0}]},
        content_type="application/json",
    )
    assert changed.status_code == 422
