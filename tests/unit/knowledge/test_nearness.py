"""The best passages are compared with the question sentence by sentence, where that costs nobody anything."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from liaoyuan.knowledge import nearness
from liaoyuan.knowledge.abstain import judge
from liaoyuan.knowledge.errors import EmbedderDown
from liaoyuan.knowledge.nearness import AMONG, nearest_sentences, wanted
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, LIKENESS, Candidate, Ranked, Statistics
from liaoyuan.knowledge.rerankers import FUSION, NONE, Reranked
from liaoyuan.knowledge.settings import RetrievalSettings

ASKED = np.asarray([1.0, 0.0], dtype=np.float32)
NEAR = "掉在地上的标本要重新采集。"


class Embedder:
    """Sentences that hold 标本 lie near the question, the others far from it."""

    name, dimensions, token_limit = "two", 2, 512

    def __init__(self, name: str = "two") -> None:
        self.name = name
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], role: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        self.asked += texts
        return np.asarray([[0.96, 0.28] if "标本" in text else [0.6, 0.8] for text in texts], dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(nearness, "_memory", nearness._Memory())
    yield


def found(*texts: str, reranker: str = FUSION) -> Reranked:
    ranked = [
        Ranked(Candidate(f"c{place}", "", "", text, 0.7, 1.0), 5.0 - place / 10, dict.fromkeys(FEATURES, 0.5))
        for place, text in enumerate(texts)
    ]
    return Reranked(ranked, reranker)


PASSAGES = ("值班员每天清点钥匙。钥匙放在柜里。", f"值班员每天巡查。{NEAR}", "值班室每天打扫。窗户要关好。")


def test_the_passage_with_the_nearest_sentence_comes_first_and_that_sentence_is_known() -> None:
    first = nearest_sentences(found(*PASSAGES), ASKED, Embedder()).ranked[0]
    assert first.candidate.chunk_id == "c1"
    assert first.features[LIKENESS] == pytest.approx(0.96, abs=0.001)
    assert first.nearest is not None and first.candidate.text[slice(*first.nearest)] == NEAR


def test_another_reranker_keeps_its_own_order() -> None:
    ordered = nearest_sentences(found(*PASSAGES, reranker=NONE), ASKED, Embedder())
    assert [item.candidate.chunk_id for item in ordered.ranked] == ["c0", "c1", "c2"]
    assert [item.score for item in ordered.ranked] == [item.score for item in found(*PASSAGES).ranked]


def test_a_sentence_is_embedded_once_and_by_each_model_for_itself() -> None:
    engine, other = Embedder(), Embedder("another")
    for _ in range(2):
        nearest_sentences(found(*PASSAGES), ASKED, engine)
    assert len(engine.asked) == len(set(engine.asked)) == 6
    nearest_sentences(found(*PASSAGES), ASKED, other)
    assert sorted(other.asked) == sorted(engine.asked)


def test_a_passage_of_one_sentence_needs_no_second_vector() -> None:
    engine = Embedder()
    (alone,) = nearest_sentences(found(NEAR), ASKED, engine).ranked
    assert engine.asked == [] and alone.features[LIKENESS] == 0.7 and alone.nearest is None


def test_only_the_best_few_are_looked_at_and_nothing_below_them_passes_them() -> None:
    engine = Embedder()
    texts = [f"第{place}组清点钥匙。第{place}组关窗。" for place in range(AMONG)] + [f"巡查。{NEAR}"] * 3
    ordered = nearest_sentences(found(*texts), ASKED, engine).ranked
    assert len(engine.asked) == 2 * AMONG
    assert {item.candidate.chunk_id for item in ordered[:AMONG]} == {f"c{place}" for place in range(AMONG)}
    assert [item.score for item in ordered] == sorted((item.score for item in ordered), reverse=True)


def test_where_the_embedder_is_down_the_order_stays_and_the_notes_say_so() -> None:
    class Down(Embedder):
        def embed(self, texts: Sequence[str], role: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
            raise EmbedderDown(name="two", url="http://x", detail="HTTP 503")

    ordered = nearest_sentences(found(*PASSAGES), ASKED, Down())
    assert ordered.ranked == found(*PASSAGES).ranked
    assert "not compared" in ordered.notes[0] and "503" in ordered.notes[0]


def test_nobody_waits_for_a_slow_embedder_and_what_it_told_late_is_kept() -> None:
    go, told = threading.Event(), threading.Event()

    class Slow(Embedder):
        def embed(self, texts: Sequence[str], role: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
            go.wait(60)
            told.set()
            return super().embed(texts, role)

    engine = Slow()
    late = nearest_sentences(found(*PASSAGES), ASKED, engine, patience=0.0)
    assert late.ranked == found(*PASSAGES).ranked and late.notes
    go.set()
    assert told.wait(60)
    assert nearest_sentences(found(*PASSAGES), ASKED, engine, patience=60.0).ranked[0].candidate.chunk_id == "c1"


@pytest.mark.parametrize(
    ("sentences", "embedder", "compared"),
    [
        ("auto", "multilingual-e5-small", True),
        ("auto", "bge-m3", False),
        ("always", "bge-m3", True),
        ("never", "multilingual-e5-small", False),
    ],
)
def test_an_endpoint_is_asked_for_sentences_only_where_the_collection_says_so(
    sentences: str, embedder: str, compared: bool
) -> None:
    assert wanted(RetrievalSettings.model_validate({"sentences": sentences}), embedder) is compared


def test_a_near_sentence_speaks_for_an_answer() -> None:
    statistics = Statistics(40, {"值班": 6, "巡查": 8}, 20.0)
    ranked = found(*PASSAGES).ranked
    far, near = (
        [replace(item, features=item.features | {LIKENESS: likeness}) for item in ranked] for likeness in (0.8, 0.92)
    )
    question = analyse("掉地上的样本还能用吗？")
    assert judge(question, far, statistics).probability < judge(question, near, statistics).probability
