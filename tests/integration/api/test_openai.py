"""``/v1`` as OpenAI's own client sees it, over a real server, a real model server and a real database."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from tests.integration.api.conftest import Application, Server

QUESTION = "速干手消毒剂开启后的有效期是多少天？"
UNANSWERABLE = "食堂周三的菜单是什么？"


@pytest.fixture(scope="module")
def key(deployed: Application, key_of: Callable[..., str]) -> str:
    return key_of(deployed.owner, "ask")


@pytest.fixture
def client(server: Server, key: str) -> Iterator[openai.OpenAI]:
    with (
        server.client() as http,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, http_client=http) as found,
    ):
        yield found


def ask(client: openai.OpenAI, application: Application, question: str, **more: Any) -> Any:
    return client.chat.completions.create(
        model=application.name, messages=[{"role": "user", "content": question}], **more
    )


def test_an_answer_quotes_the_document_and_cites_it(client: openai.OpenAI, deployed: Application) -> None:
    answer = ask(client, deployed, QUESTION)
    choice = answer.choices[0]
    assert "30 天" in choice.message.content
    assert choice.finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.model == deployed.name
    citation = choice.citations[0]
    assert citation["document"].startswith("手卫生管理规定")
    assert citation["quote"] in choice.message.content
    assert answer.citations == choice.citations
    assert answer.abstained is False
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same_and_ends_with_citations_usage_and_done(
    client: openai.OpenAI, deployed: Application
) -> None:
    whole = ask(client, deployed, QUESTION)
    chunks = list(ask(client, deployed, QUESTION, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-2].choices[0].citations == whole.citations
    assert chunks[-2].trace_id
    assert chunks[-1].choices == [] and chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_speaks_in_comments_while_it_works_and_ends_with_done(
    server: Server, key: str, deployed: Application
) -> None:
    body = {"model": deployed.name, "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with server.client(key) as http, http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = list(response.iter_lines())
    assert response.headers["content-type"].startswith("text/event-stream")
    assert lines[0] == ": working"
    assert lines[-2:] == ["data: [DONE]", ""] or lines[-1] == "data: [DONE]"
    assert all("usage" not in json.loads(line[6:]) for line in lines if line.startswith("data: {"))


def test_what_may_be_asked_next_comes_with_the_answer_and_is_answered(
    client: openai.OpenAI, deployed: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    from liaoyuan.knowledge import followups

    monkeypatch.setattr(followups, "BUDGET_SECONDS", 3600.0)
    whole = ask(client, deployed, QUESTION)
    assert whole.follow_ups and whole.choices[0].follow_ups == whole.follow_ups
    assert QUESTION not in whole.follow_ups
    assert not any(ask(client, deployed, question).abstained for question in whole.follow_ups)
    chunks = list(ask(client, deployed, QUESTION, stream=True))
    assert chunks[-1].choices[0].follow_ups == whole.follow_ups
    assert ask(client, deployed, QUESTION, extra_body={"follow_ups": False}).follow_ups == []


def test_what_the_documents_do_not_hold_is_not_answered(client: openai.OpenAI, deployed: Application) -> None:
    answer = ask(client, deployed, UNANSWERABLE)
    assert answer.abstained is True
    assert answer.citations == []
    assert "周三的菜单" not in answer.choices[0].message.content


def test_a_restricted_document_answers_only_its_group(
    server: Server, deployed: Application, key_of: Callable[..., str], client: openai.OpenAI
) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from tests.conftest import _member

    question = "内部采购的密钥代号是什么？"
    assert "青松七号" in ask(client, deployed, question).choices[0].message.content
    outsider = _member(deployed.organization, "viewer")
    member = _member(deployed.organization, "viewer")
    with tenant_context(deployed.organization.id):
        member.groups = ["board"]
        member.save(update_fields=["groups"])
    for person, sees in ((outsider, False), (member, True)):
        with server.client(key_of(person, "ask")) as http:
            body = {"model": deployed.name, "messages": [{"role": "user", "content": question}]}
            answer = http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200
        assert ("青松七号" in answer.text) is sees


def test_every_answer_leaves_a_trace_under_the_id_that_was_given(client: openai.OpenAI, deployed: Application) -> None:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.operations.selectors import trace_get

    answer = ask(client, deployed, QUESTION)
    with tenant_context(deployed.organization.id):
        trace = trace_get(answer.trace_id)
        assert trace.answer == answer.choices[0].message.content
        assert {"guard", "retrieve"} <= {span.name for span in trace.spans.all()}


def test_models_are_the_routes_that_the_caller_may_ask(client: openai.OpenAI, deployed: Application) -> None:
    assert [model.id for model in client.models.list()] == [deployed.name]
    assert client.models.retrieve(deployed.name).owned_by == "liaoyuan"


def test_errors_are_the_clients_own_classes(client: openai.OpenAI, deployed: Application, server: Server) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        ask(client, Application(*([None] * 6), name="nothing"), QUESTION)  # type: ignore[arg-type]
    assert missing.value.code == "model_not_found" and missing.value.param == "model"
    with pytest.raises(openai.UnprocessableEntityError) as empty:
        client.chat.completions.create(model=deployed.name, messages=[])
    assert empty.value.param == "messages"
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=deployed.name, messages=[{"role": "system", "content": "x"}])
    with pytest.raises(openai.AuthenticationError), server.client() as http:
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", http_client=http).models.list()


def test_text_parts_are_a_question_too_and_a_picture_is_refused(client: openai.OpenAI, deployed: Application) -> None:
    parts: Any = [{"type": "text", "text": QUESTION}]
    answer = client.chat.completions.create(model=deployed.name, messages=[{"role": "user", "content": parts}])
    assert "30 天" in str(answer.choices[0].message.content)
    picture: Any = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}]
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=deployed.name, messages=[{"role": "user", "content": picture}])


def test_retrieve_finds_the_place_inside_the_callers_rights(
    server: Server, deployed: Application, key: str, key_of: Callable[..., str]
) -> None:
    from tests.conftest import _member

    places = (
        {"model": deployed.name},
        {"solution": str(deployed.solution_id)},
        {"collection": str(deployed.collection_id)},
    )
    with server.client(key) as http:
        for place in places:
            answer = http.post("/v1/retrieve", json={"query": QUESTION, "k": 3} | place)
            assert answer.status_code == 200
            best = answer.json()["data"][0]
            assert "30 天" in best["quote"] and best["document"].startswith("手卫生管理规定")
            assert {"document_id", "version", "page", "box", "score", "chunk_id"} <= set(best)
        secret = {"query": "内部采购的密钥代号", "collection": str(deployed.collection_id)}
        assert "青松七号" in http.post("/v1/retrieve", json=secret).text
        rest = http.post(f"/api/v1/collections/{deployed.collection_id}/retrieve", json={"query": QUESTION, "k": 3})
        assert rest.json()["hits"][0]["chunk_id"] == best["chunk_id"]
        both = http.post("/v1/retrieve", json={"query": "x"} | places[0] | places[2])
        assert (both.status_code, both.json()["error"]["code"]) == (422, "invalid_request")
    with server.client(key_of(_member(deployed.organization, "viewer"), "ask")) as http:
        assert "青松七号" not in http.post("/v1/retrieve", json=secret).text


def test_retrieve_knows_nothing_of_a_stranger(
    server: Server, deployed: Application, stranger: Any, key_of: Callable[..., str]
) -> None:
    import uuid

    with server.client(key_of(stranger, "ask")) as http:
        for name, value in (("collection", deployed.collection_id), ("solution", deployed.solution_id)):
            answers = [http.post("/v1/retrieve", json={"query": "x", name: str(i)}) for i in (value, uuid.uuid4())]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content


def test_embeddings_are_unit_vectors_for_openais_own_client(client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="multilingual-e5-small", input=["手卫生", "手卫生", "食堂菜单"])
    vectors = [row.embedding for row in found.data]
    assert [len(vector) for vector in vectors] == [384] * 3
    assert all(abs(sum(value * value for value in vector) - 1) < 1e-3 for vector in vectors)
    same, other = (sum(a * b for a, b in zip(vectors[0], each, strict=True)) for each in vectors[1:])
    assert same > 0.999 > other
    assert found.usage.prompt_tokens > 0
    floats = client.embeddings.create(model="multilingual-e5-small", input="手卫生", encoding_format="float")
    assert max(abs(a - b) for a, b in zip(floats.data[0].embedding, vectors[0], strict=True)) < 1e-3
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-3-small", input="x")
