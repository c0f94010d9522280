"""The model server as its clients see it: a real process, the real models."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from liaoyuan.compute.engines.addresses import EngineAddresses
from liaoyuan.compute.engines.manager import engines_status
from liaoyuan.pipeline.adapters.model_server import (
    BASE_MODEL,
    EMBEDDING_MODEL,
    ModelServerClient,
    ModelServerDown,
    ModelServerRefused,
    ModelServerTokenWrong,
    ModelUnknown,
)

Lora = Callable[..., tuple[Path, str]]
CHAT = [{"role": "user", "content": "Name one colour."}]


@pytest.fixture(scope="session")
def token(addresses: EngineAddresses) -> str:
    return addresses.model_server_token_file.read_text(encoding="utf-8")


@pytest.fixture
def post(addresses: EngineAddresses, token: str) -> Callable[..., httpx.Response]:
    def send(path: str, content: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return httpx.post(f"{addresses.model_server_url}{path}", content=content, headers=headers, timeout=60)

    return send


class TestEmbeddings:
    def test_chinese_and_english_meet_in_one_space(self, client: ModelServerClient) -> None:
        passages = client.embed_passages(["成人高血压的诊断标准是140/90毫米汞柱。", "变电站倒闸操作前应填写操作票。"])
        queries = client.embed_queries(["高血压怎么诊断", "What is the threshold of hypertension?", "谁填写操作票"])

        assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 0, 1]
        assert passages.dtype == np.float32
        assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-3)

    def test_a_query_is_not_embedded_as_a_passage(self, client: ModelServerClient) -> None:
        assert not np.allclose(client.embed_queries(["血压"]), client.embed_passages(["血压"]))

    def test_a_batch_gives_what_single_calls_give_in_order(self, client: ModelServerClient) -> None:
        texts = [f"第{i}条 安全规程" for i in range(5)] + ["", "带\x00零字节"]
        batch = client.embed_passages(texts)
        assert batch.shape == (7, 384)
        for row, text in zip(batch, texts, strict=True):
            # Not to the last bit: a matrix product of other shape adds in another order.
            assert np.allclose(row, client.embed_passages([text])[0], atol=1e-6)

    def test_callers_at_once_get_their_own_vectors(self, client: ModelServerClient) -> None:
        texts = [f"question {i}" for i in range(12)]
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda text: client.embed_queries([text])[0], texts))
        assert np.allclose(np.stack(found), client.embed_queries(texts))

    def test_health_says_which_engine_embeds(self, client: ModelServerClient) -> None:
        assert client.health()["embedding"] == {"name": EMBEDDING_MODEL, "dimensions": 384, "engine": "torch"}

    def test_no_text_gives_no_row(self, client: ModelServerClient) -> None:
        assert client.embed_passages([]).shape == (0, 384)


class TestText:
    def test_a_stream_says_the_same_as_the_whole_answer(self, client: ModelServerClient) -> None:
        whole = client.chat(CHAT, max_tokens=12)
        deltas = list(client.chat_stream(CHAT, max_tokens=12))

        assert "".join(delta.text for delta in deltas) == whole.text != ""
        assert deltas[-1].completion_tokens == whole.completion_tokens
        assert deltas[-1].prompt_tokens == whole.prompt_tokens > 0

    def test_the_official_client_works(self, addresses: EngineAddresses, token: str) -> None:
        official = openai.OpenAI(base_url=f"{addresses.model_server_url}/v1", api_key=token)
        answer = official.chat.completions.create(model=BASE_MODEL, messages=CHAT, max_tokens=4)
        assert answer.choices[0].message.content
        assert answer.model == BASE_MODEL
        assert {model.id for model in official.models.list()} >= {BASE_MODEL, EMBEDDING_MODEL}
        assert len(official.embeddings.create(model=EMBEDDING_MODEL, input="x").data[0].embedding) == 384

    def test_token_ids_and_text_are_one_prompt_and_nothing_is_put_before(self, client: ModelServerClient) -> None:
        ids = client.tokenize("The capital of France is")
        by_ids = client.complete(ids, max_tokens=3, logprobs=5, cache_prompt=False)
        by_text = client.complete("The capital of France is", max_tokens=3, logprobs=5, cache_prompt=False)

        assert by_ids.prompt_tokens == len(ids) == 5
        assert by_ids.tokens == by_text.tokens
        assert max(by_ids.logprobs[0], key=by_ids.logprobs[0].__getitem__) == by_ids.tokens[0]

    def test_first_token_logprobs_are_of_the_whole_vocabulary(self, client: ModelServerClient) -> None:
        found = client.first_token_logprobs(client.tokenize("Paris is the capital of"), top=20)
        assert len(found) == 20
        assert 0.2 < sum(np.exp(list(found.values()))) < 1

    def test_the_chat_prompt_is_what_chat_reads(self, client: ModelServerClient) -> None:
        prompt, ids = client.chat_prompt(CHAT)
        assert prompt.endswith("<|im_start|>assistant\n")
        assert client.complete(ids, max_tokens=12).text == client.chat(CHAT, max_tokens=12).text

    def test_a_client_that_leaves_does_not_block_the_next(self, client: ModelServerClient) -> None:
        for _ in range(6):  # more than there are slots
            stream = client.chat_stream([{"role": "user", "content": "Tell a long story."}], max_tokens=2000)
            next(stream)
            stream.close()
        began = time.monotonic()
        client.chat(CHAT, max_tokens=1)
        assert time.monotonic() - began < 20


class TestRefusals:
    def test_an_unknown_model_is_named_with_what_is_known(self, client: ModelServerClient) -> None:
        with pytest.raises(ModelUnknown, match=f"no model “gpt-4”.*{BASE_MODEL}"):
            client.chat(CHAT, model="gpt-4")
        with pytest.raises(ModelUnknown):
            list(client.chat_stream(CHAT, model="gpt-4"))

    @pytest.mark.parametrize("wrong", ["", "x" * 64])
    def test_a_wrong_token_learns_nothing(self, addresses: EngineAddresses, wrong: str) -> None:
        with ModelServerClient(addresses.model_server_url, wrong or "none") as stranger:
            with pytest.raises(ModelServerTokenWrong):
                stranger.models()
            with pytest.raises(ModelServerTokenWrong):
                stranger.adapter_remove("x")
            assert stranger.health() == {"status": "ok"}

    def test_a_prompt_that_does_not_fit_says_by_how_much(self, client: ModelServerClient) -> None:
        with pytest.raises(ModelServerRefused, match=r"\d+ tokens, more than the context of 4096") as refused:
            client.chat([{"role": "user", "content": "word " * 5000}])
        assert refused.value.params["code"] == "context_length_exceeded"

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"not json", "not_json"),
            (b"[]", "not_json"),
            (b"{}", "bad_request"),
            (b'{"messages": [{"role": "robot", "content": "x"}]}', "bad_request"),
            (b'{"messages": [{"role": "user", "content": "x"}], "n": 3}', "bad_request"),
            (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function"}]}', "bad_request"),
            (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', "bad_request"),
        ],
    )
    def test_bad_bodies_are_answered_as_openai_does(self, post: Any, content: bytes, code: str) -> None:
        response = post("/v1/chat/completions", content)
        assert response.status_code == 400
        error = response.json()["error"]
        assert (error["code"], error["type"]) == (code, "invalid_request_error")
        assert error["message"]
        assert error["message_zh"]

    def test_a_body_beyond_the_limit_is_refused(self, post: Any) -> None:
        assert post("/v1/embeddings", b" " * (17 * 1024 * 1024)).status_code == 413

    def test_a_route_that_is_not_there(self, post: Any) -> None:
        assert post("/v1/images", b"{}").status_code == 404


class TestAdapters:
    def test_an_adapter_is_chosen_per_request_and_leaves_the_base_alone(
        self, client: ModelServerClient, lora: Lora
    ) -> None:
        prompt = client.tokenize("The capital of France is")
        base = client.first_token_logprobs(prompt)

        client.adapter_load("nothing", *lora(0.0))
        client.adapter_load("strong", *lora(2.0))

        assert client.first_token_logprobs(prompt, model="nothing") == pytest.approx(base, abs=1e-4)
        assert client.first_token_logprobs(prompt, model="strong") != pytest.approx(base, abs=0.05)
        assert client.first_token_logprobs(prompt) == pytest.approx(base, abs=1e-4)
        assert client.chat(CHAT, model="strong", max_tokens=2).model == "strong"

    def test_requests_in_flight_survive_the_exchange(self, client: ModelServerClient, lora: Lora) -> None:
        stream = client.chat_stream([{"role": "user", "content": "Count to fifty."}], max_tokens=60)
        first = next(stream)

        client.adapter_load("late", *lora(0.5))

        rest = list(stream)
        assert rest[-1].completion_tokens is not None
        assert len(first.text + "".join(delta.text for delta in rest)) > 20

    def test_the_same_adapter_again_changes_nothing_other_bytes_are_refused(
        self, client: ModelServerClient, lora: Lora
    ) -> None:
        client.adapter_load("fixed", *lora(0.0))
        before = client.adapters()
        client.adapter_load("fixed", *lora(0.0))
        assert client.adapters() == before
        with pytest.raises(ModelServerRefused, match="exists"):
            client.adapter_load("fixed", *lora(2.0))

    def test_what_is_not_what_was_announced_is_refused_and_serving_goes_on(
        self, client: ModelServerClient, lora: Lora, tmp_path: Path
    ) -> None:
        path, digest = lora(0.0)
        text = tmp_path / "pickle.gguf"
        text.write_bytes(b"\x80\x04not a gguf")
        misfit, misfit_digest = lora(1.0, width=32)
        before = client.adapters()

        for name, file, sha256, reason in [
            ("a", path, "0" * 64, "sha256"),
            ("b", text, digest, "not a GGUF"),
            ("c", tmp_path / "absent.gguf", digest, "cannot be read"),
            ("d", misfit, misfit_digest, "cannot load"),
            ("../e", path, digest, "name"),
            (BASE_MODEL, path, digest, "name of a model"),
        ]:
            with pytest.raises(ModelServerRefused, match=reason):
                client.adapter_load(name, file, sha256)

        assert client.adapters() == before
        assert client.chat(CHAT, max_tokens=2).text

    def test_a_removed_adapter_is_unknown(self, client: ModelServerClient, lora: Lora) -> None:
        client.adapter_load("brief", *lora(0.0))
        client.adapter_remove("brief")
        with pytest.raises(ModelUnknown):
            client.chat(CHAT, model="brief")
        with pytest.raises(ModelUnknown):
            client.adapter_remove("brief")

    def test_a_killed_server_comes_back_with_its_adapters_and_names_the_lost(
        self, client: ModelServerClient, lora: Lora, addresses: EngineAddresses
    ) -> None:
        client.adapter_load("kept", *lora(0.0))
        client.adapter_load("damaged", *lora(3.0))
        damaged = next(adapter for adapter in client.adapters() if adapter["name"] == "damaged")
        Path(damaged["path"]).write_bytes(b"GGUF but not what it was")
        pid = engines_status(addresses, only=["model_server"])[0].pid
        assert pid is not None

        os.kill(pid, signal.SIGKILL)

        health = _healthy_again(client, after=pid, addresses=addresses)
        assert "kept" in client.models()
        assert "damaged" not in client.models()
        assert "was changed" in health["lost"]["damaged"]
        assert client.chat(CHAT, model="kept", max_tokens=2).text


def _healthy_again(client: ModelServerClient, *, after: int, addresses: EngineAddresses) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = engines_status(addresses, only=["model_server"])[0]
        if state.running and state.pid != after:
            return client.health()
        time.sleep(0.1)
    raise AssertionError("the model server did not come back")


def test_a_server_that_is_not_there_is_retryable_and_says_how_to_start_it() -> None:
    nobody = ModelServerClient("http://127.0.0.1:9", "x", tries=2)
    with pytest.raises(ModelServerDown, match=r"manage\.py engines up") as down:
        nobody.models()
    assert down.value.retryable
