"""Answers: quoted to the letter, inside the asker's rights, or not at all."""

from typing import Any

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from liaoyuan.accounts.tenancy import TenantContextMissing, tenant_context
from liaoyuan.knowledge.errors import CollectionUnknown, QuestionEmpty
from liaoyuan.knowledge.evaluate import GateQuestion, collection_evaluate
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.retrieve import PgRetriever, chunks_permitted, retrieve
from liaoyuan.knowledge.search import scope_here, search
from liaoyuan.knowledge.selectors import collection_by_name
from liaoyuan.knowledge.settings import RetrievalSettings
from tests.integration.knowledge.conftest import NURSING, WASTE, Ask, Import

WASTE_QUESTION = "医疗废物暂时贮存的时间最多几天？"


def test_an_answer_quotes_its_source_to_the_letter(two_documents: Any, ask: Ask, organization: Any) -> None:
    answer = ask(WASTE_QUESTION)
    assert not answer.abstained
    citation = answer.citations[0]
    assert (citation.document, citation.locator) == ("医疗废物管理办法", "第三条")
    with tenant_context(organization.id):
        for item in [*answer.citations, *answer.nearest]:
            chunk = Chunk.objects.get(id=item.chunk_id)
            assert chunk.text[item.start : item.end] == item.quote
    assert set(answer.timings) == {"embed", "retrieve", "rerank", "extract", "total"}


def test_a_question_for_a_list_gets_the_whole_list(two_documents: Any, ask: Ask) -> None:
    answer = ask("哪些情形由后勤保障部责令改正？").answer
    assert all(item in answer for item in ("警示标识", "按照类别分置", "专用运送工具"))


@pytest.mark.parametrize(
    "question",
    [
        "居民阶梯电价第二档每度多少钱？",
        "护士的月工资是多少元？",
        "How long is the warranty of a solar panel?",
        "这个怎么办？",
    ],
)
def test_what_the_documents_do_not_say_is_not_answered(two_documents: Any, ask: Ask, question: str) -> None:
    answer = ask(question)
    assert answer.abstained
    assert answer.citations == []
    assert answer.reason == "no_evidence"


def test_another_tenant_finds_nothing(bring: Import, ask: Ask, other_organization: Any) -> None:
    bring({"医疗废物管理办法.md": WASTE})
    with pytest.raises(CollectionUnknown):
        ask(WASTE_QUESTION, of=other_organization)


def test_another_tenant_who_guesses_the_ids_gets_no_row(
    two_documents: Any, organization: Any, other_organization: Any, engine: Any
) -> None:
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        ids = [str(key) for key in Chunk.objects.values_list("id", flat=True)]
    with tenant_context(other_organization.id):
        assert retrieve(collection.id, WASTE_QUESTION, engine=engine).ranked == []
        assert chunks_permitted(collection.id, ids) == {}


def test_outside_of_a_tenant_context_nothing_is_searched(two_documents: Any, organization: Any, engine: Any) -> None:
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
    with pytest.raises(TenantContextMissing):
        retrieve(collection.id, WASTE_QUESTION, engine=engine)


def test_only_members_of_the_group_find_its_documents(bring: Import, ask: Ask, organization: Any, engine: Any) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    bring({"护理值班制度.md": NURSING})
    assert not ask(WASTE_QUESTION, groups=("infection",)).abstained
    assert not ask(WASTE_QUESTION).abstained, "owner and steward see every document"
    for groups in ((), ("surgery",)):
        refused = ask(WASTE_QUESTION, groups=groups)
        assert refused.abstained
        assert all(item.document != "医疗废物管理办法" for item in refused.nearest)
        with tenant_context(organization.id, groups=groups):
            collection = collection_by_name("制度")
            scope = scope_here(collection.id, refused_day())
            vector = engine.embed([WASTE_QUESTION], "query")[0]
            found, statistics = search(scope, analyse(WASTE_QUESTION), vector)
        assert {item.title for item in found} == {"护理值班制度"}, "the SQL result itself holds nothing else"
        assert statistics.frequency.get("贮存") is None, "nor do the term statistics tell of it"


def refused_day() -> Any:
    from django.utils import timezone

    return timezone.localdate()


def test_rights_lost_between_search_and_citation_leave_no_citation(
    bring: Import, organization: Any, engine: Any
) -> None:
    bring({"医疗废物管理办法.md": WASTE}, groups=["infection"])
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        ids = [str(key) for key in Chunk.objects.values_list("id", flat=True)]
    with tenant_context(organization.id, groups=("surgery",)):
        assert chunks_permitted(collection.id, ids) == {}


def test_above_the_row_limit_the_index_finds_the_same(two_documents: Any, organization: Any, engine: Any) -> None:
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        exact = retrieve(collection.id, WASTE_QUESTION, engine=engine)
        indexed = retrieve(collection.id, WASTE_QUESTION, engine=engine, exact_rows=1)
    assert [item.candidate.chunk_id for item in indexed.ranked] == [item.candidate.chunk_id for item in exact.ranked]


def test_lexical_search_finds_an_exact_word_that_the_vector_misses(two_documents: Any, organization: Any) -> None:
    with tenant_context(organization.id):
        collection = collection_by_name("制度")
        astray = np.full(384, 384**-0.5, dtype=np.float32)
        found = retrieve(collection.id, "护士长排班", vector=astray)
    assert "护士长排班" in found.ranked[0].candidate.text


def test_langchain_reads_the_same_evidence(two_documents: Any, organization: Any, engine: Any) -> None:
    with tenant_context(organization.id):
        retriever = PgRetriever(collection_id=collection_by_name("制度").id, k=2, engine=engine)
        documents = retriever.invoke(WASTE_QUESTION)
    assert documents[0].metadata["locator"] == "第三条"
    assert len(documents) == 2


def test_where_words_count_nothing_the_vectors_alone_are_searched(
    two_documents: Any, organization: Any, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not so where the evidence is judged: that asks how rare its words are."""
    alone = RetrievalSettings(lexical_weight=0, reranker="none")
    with tenant_context(organization.id):
        collection_id = collection_by_name("制度").id
        wanted = retrieve(collection_id, WASTE_QUESTION, engine=engine, settings=alone).ranked[:2]
        monkeypatch.delattr("liaoyuan.knowledge.retrieve.search")
        found = PgRetriever(collection_id=collection_id, k=2, engine=engine, settings=alone).invoke(WASTE_QUESTION)
        with pytest.raises(NameError):
            retrieve(collection_id, WASTE_QUESTION, engine=engine, settings=alone)
    assert [document.id for document in found] == [item.candidate.chunk_id for item in wanted]
    cosines = [document.metadata["cosine"] for document in found]
    assert cosines == sorted(cosines, reverse=True)


@pytest.mark.parametrize("question", ["", "   ", "问" * 2001])
def test_an_empty_or_endless_question_is_refused(two_documents: Any, ask: Ask, question: str) -> None:
    with pytest.raises(QuestionEmpty):
        ask(question)


def test_a_generated_answer_stands_when_the_evidence_carries_it(two_documents: Any, ask: Ask) -> None:
    chat = FakeListChatModel(responses=["医疗废物暂时贮存的时间不得超过2天。"])
    answer = ask(WASTE_QUESTION, mode="generative", chat=chat)
    assert (answer.mode, answer.grounded, answer.reason) == ("generative", True, "")
    assert answer.answer == "医疗废物暂时贮存的时间不得超过2天。"


def test_a_generated_answer_with_a_wrong_number_falls_back_to_quotes_and_says_so(two_documents: Any, ask: Ask) -> None:
    chat = FakeListChatModel(responses=["医疗废物暂时贮存的时间不得超过7天。"])
    answer = ask(WASTE_QUESTION, mode="generative", chat=chat)
    assert (answer.mode, answer.reason) == ("extractive", "ungrounded")
    assert "7天" not in answer.answer
    assert "2天" in answer.answer


def test_evaluation_measures_recall_citations_and_abstention(
    two_documents: Any, organization: Any, engine: Any
) -> None:
    questions = [
        GateQuestion("1", WASTE_QUESTION, ("医疗废物管理办法#第三条",), ("不得超过2天",)),
        GateQuestion("2", "夜班护士每班不得少于几人？", ("护理值班制度#第二条",), ("两人",)),
        GateQuestion("3", "居民阶梯电价第二档每度多少钱？", answerable=False),
    ]
    with tenant_context(organization.id):
        result = collection_evaluate(collection_by_name("制度").id, questions, engine=engine)
    expected = {"n": 3, "recall@5": 1.0, "citation_valid": 1.0, "must_contain": 1.0, "abstained_unanswerable": 1.0}
    assert {name: result.metrics[name] for name in expected} == expected
    assert result.metrics["refused_answerable"] == 0.0
    assert [row["id"] for row in result.rows] == ["1", "2", "3"]
