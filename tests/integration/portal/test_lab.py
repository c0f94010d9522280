"""The retrieval lab: every step of a question, two settings side by side, and nothing beyond one's own rights."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.explain import explain
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.models import TestQuestion
from liaoyuan.knowledge.retrieve import PgRetriever
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.settings import RetrievalSettings, settings_of
from tests.conftest import _member, _organization
from tests.integration.deployment.conftest import embeddings
from tests.integration.knowledge.conftest import NURSING, WASTE, engine
from tests.integration.portal.test_chat import browser, someone

__all__ = ["embeddings", "engine"]

QUESTION = "医疗废物暂时贮存的时间不得超过多少天？"
SECRET = "# 薪酬制度\n\n第一条 医疗废物岗位津贴为每月八百元。\n"


@pytest.fixture
def collection(organization: Any, engine: Any, tmp_path: Path, embeddings: Any) -> Any:
    for name, text, groups in (("废物.md", WASTE, None), ("护理.md", NURSING, None), ("薪酬.md", SECRET, ["人事"])):
        (tmp_path / name).write_text(text, encoding="utf-8")
        documents_import(
            organization_id=organization.id, collection="制度", paths=[tmp_path / name], groups=groups, engine=engine
        )
    with tenant_context(organization.id):
        return Collection.objects.get(name="制度")


def place(collection: Any) -> str:
    return f"/collections/{collection.id}/lab/"


def test_each_step_is_shown_with_ranks_scores_and_times(organization: Any, engine: Any, collection: Any) -> None:
    with tenant_context(organization.id):
        found = explain(collection.id, QUESTION, engine=engine)
    best = found.rows[0]
    assert "不得超过2天" in best.text and best.rank == 1 and best.cited == 1
    assert best.vector_rank is not None and best.words_rank is not None and best.features
    assert {"embed", "retrieve", "rerank", "extract", "total"} <= set(found.timings)
    assert found.reranker == "fusion" and found.context[0].text
    assert json.dumps(found.as_dict())


def test_two_settings_stand_side_by_side(organization: Any, owner: Any, collection: Any) -> None:
    a = {"a-candidates": 50, "a-vector_weight": 1, "a-lexical_weight": 1, "a-reranker": "fusion", "a-index": ""}
    b = {"b-candidates": 5, "b-vector_weight": 0, "b-lexical_weight": 1, "b-reranker": "none", "b-index": ""}
    shown = browser(owner).get(place(collection), {"q": QUESTION, "compare": "on", **a, **b})
    assert shown.status_code == 200
    left, right = shown.context["sides"]
    assert (left.explained.reranker, right.explained.reranker) == ("fusion", "none")
    assert {line.change for line in right.lines} <= {"same", "up", "down", "new"}


def test_a_reader_sees_neither_the_text_nor_the_existence_of_what_is_not_theirs(
    organization: Any, owner: Any, collection: Any
) -> None:
    asked = {"q": "医疗废物岗位津贴每月多少元？"}
    mine = browser(owner).get(place(collection), asked).content.decode()
    assert "八百元" in mine
    theirs = browser(someone(organization, "viewer")).get(place(collection), asked)
    assert "八百元" not in theirs.content.decode() and "薪酬" not in theirs.content.decode()
    # A chosen group narrows; one that the visitor is not in is no choice at all.
    widened = browser(someone(organization, "viewer")).get(place(collection), asked | {"groups": "人事"})
    assert "八百元" not in widened.content.decode()
    member = browser(someone(organization, "viewer", "人事")).get(place(collection), asked | {"groups": "人事"})
    assert "八百元" in member.content.decode()
    narrowed = browser(owner).get(place(collection), asked | {"groups": ""})
    assert "八百元" not in narrowed.content.decode()


def test_strangers_find_nothing(collection: Any) -> None:
    stranger = _member(_organization("别家"), "owner")
    assert browser(stranger).get(place(collection)).status_code == 404


def test_a_question_is_kept_and_settings_are_applied_by_those_who_may(
    organization: Any, owner: Any, collection: Any
) -> None:
    window = browser(owner)
    rows = window.get(place(collection), {"q": QUESTION}).context["sides"][0].lines
    window.post(f"{place(collection)}keep", {"q": QUESTION, "chunk": rows[0].row.chunk_id, "must_contain": "2天"})
    tried = {"a-candidates": 30, "a-vector_weight": 1.0, "a-lexical_weight": 0.5, "a-reranker": "fusion"}
    window.post(f"{place(collection)}apply", tried)
    with tenant_context(organization.id):
        assert TestQuestion.objects.get().question == QUESTION
        collection.refresh_from_db()
        assert settings_of(collection.settings).retrieval.lexical_weight == 0.5
    viewer = browser(someone(organization, "viewer"))
    assert viewer.post(f"{place(collection)}apply", tried).status_code in {302, 403}
    with tenant_context(organization.id):
        collection.refresh_from_db()
        assert settings_of(collection.settings).retrieval.candidates == 30


def test_the_command_explains_too(organization: Any, collection: Any, capsys: Any) -> None:
    options = {"organization": organization.name, "collection": "制度", "json": True, "reranker": "none"}
    call_command("knowledge", "explain", QUESTION, **options)
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["reranker"] == "none" and "不得超过2天" in said["rows"][0]["text"]


def test_langchain_drives_the_retriever_in_a_chain(organization: Any, engine: Any, collection: Any) -> None:
    retriever = PgRetriever(
        collection_id=collection.id, k=2, engine=engine, settings=RetrievalSettings(reranker="fusion"), least_score=-50
    )
    seen: dict[str, Any] = {}

    def write(inputs: dict[str, Any]) -> str:
        seen.update(inputs)
        return "\n".join(f"[{n}] {found.page_content}" for n, found in enumerate(inputs["context"], 1))

    chain = {"context": retriever, "question": RunnablePassthrough()} | RunnableLambda(write) | StrOutputParser()
    with tenant_context(organization.id, groups=()):
        said = chain.invoke(QUESTION)
        batched = chain.batch([QUESTION], {"max_concurrency": 1})
    assert "不得超过2天" in said and batched == [said]
    assert len(seen["context"]) == 2 and {"score", "cosine", "document_id", "version_id"} <= set(
        seen["context"][0].metadata
    )
    with tenant_context(organization.id, groups=()):
        title = seen["context"][0].metadata["title"]
        only = PgRetriever(collection_id=collection.id, engine=engine, filters={"title": title}).invoke(QUESTION)
        none = PgRetriever(collection_id=collection.id, engine=engine, least_score=1e6).invoke(QUESTION)
        missing = PgRetriever(collection_id=uuid.uuid4(), engine=engine).invoke(QUESTION)
    assert {found.metadata["title"] for found in only} == {title}
    assert none == [] and missing == []
