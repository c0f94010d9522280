"""What ``python -m benchmarks.asking`` learns is what the model server then reads questions by."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.asking import teach
from benchmarks.asking.encoder import AskingEncoder
from benchmarks.asking.material import Asked, Pool, pool_of_passages
from liaoyuan.deployment.serving.e5 import Kind
from liaoyuan.deployment.serving.e5.by_torch import TorchEngine
from liaoyuan.deployment.serving.e5.model import Encoder
from liaoyuan.deployment.serving.e5.products import Float32
from liaoyuan.deployment.serving.e5.taught import TaughtWeights
from liaoyuan.deployment.serving.e5.weights import Weights, model_path

PASSAGES = [
    "冷藏药品应在二至八摄氏度贮存。",
    "报修由信息中心受理。",
    "补考安排在下学期开学前。",
    "退货须在七日内提出。",
]
QUESTIONS = ["药要放冰箱吗？", "打印机坏了找谁？", "挂科怎么办？", "买错了几天内能退？"]


@pytest.fixture(scope="module")
def engine() -> TorchEngine:
    return TorchEngine(Float32)


@pytest.fixture(scope="module")
def pool(engine: TorchEngine) -> Pool:
    vectors = engine.encode([engine.read(text, Kind.PASSAGE) for text in PASSAGES])
    asked = [Asked(text, "set", ((place,),), frozenset({str(place)})) for place, text in enumerate(QUESTIONS)]
    near_miss = Asked("药多少钱？", "set", (), frozenset())
    return Pool("pool", torch.from_numpy(vectors), (*asked, near_miss))


def test_before_it_learns_it_reads_as_the_engine_reads(engine: TorchEngine, pool: Pool) -> None:
    lesson = teach.Lesson.over([pool])
    texts = [one.text for one in pool.asked]
    expected = engine.encode([engine.read(text, Kind.QUERY) for text in texts])
    assert (lesson.before.numpy() * expected).sum(1).min() > 0.9999


def test_what_is_stored_reads_as_what_was_learned(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teach, "EPOCHS", 8)
    monkeypatch.setattr(teach, "WARM_STEPS", 1)
    lesson = teach.Lesson.over([pool])
    chosen = [0, 1, 2, 3]
    encoder = teach.teach(lesson, chosen, lambda _: None)
    learned = lesson.vectors(encoder, chosen)
    right = torch.arange(4)
    margins = [
        (vectors @ pool.vectors.T)[right, right] - (vectors @ pool.vectors.T).mean(1)
        for vectors in (lesson.before[chosen], learned)
    ]
    assert (margins[1] > margins[0]).all(), "nearer to the own passage than to the others, by more than before"
    path = tmp_path / "question.npz"
    np.savez(path, allow_pickle=False, **encoder.stored())
    read = Encoder(TaughtWeights(Weights(model_path()), path), Float32).means([encoder.ids(text) for text in QUESTIONS])
    assert (torch.nn.functional.normalize(read, dim=1) * learned).sum(1).min() > 0.999


def test_nobody_is_scored_by_what_learned_the_same_document(pool: Pool) -> None:
    lesson = teach.Lesson.over([pool])
    folds = teach.folds_by_document(lesson, 2)
    assert [len(each) for each in folds] == [1] * 5
    assert {fold for each in folds for fold in each} == {0, 1}


def test_held_sets_never_teach() -> None:
    place = ((0,),)
    teaching = [Asked("q", source, place, frozenset()).teaches for source in ("ask_law_energy", "held_law_energy_a")]
    held = ["held_law_energy_b", "kind_law_energy_b", "fresh_law_energy", "test_law_energy"]
    assert teaching == [True, True]
    assert not any(Asked("q", source, place, frozenset()).teaches for source in held)


def test_a_pool_of_passages_is_read_from_two_files(tmp_path: Path) -> None:
    rows = [{"id": f"p{place}", "title": "手册", "text": text} for place, text in enumerate(PASSAGES)]
    asked = [
        {"question": QUESTIONS[1], "evidence": ["p1"], "answerable": True},
        {"question": "？", "evidence": [], "answerable": False},
    ]
    for name, lines in (("passages", rows), ("questions", asked)):
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    found = pool_of_passages("own", tmp_path / "passages.jsonl", tmp_path / "questions.jsonl")
    assert found.vectors.shape == (4, 384)
    assert [one.places for one in found.asked] == [((1,),), ()]
    assert [one.teaches for one in found.asked] == [True, False]


def test_the_encoder_learns_only_what_is_stored() -> None:
    encoder = AskingEncoder()
    assert {name.replace(":", ".") for name in encoder.additions} == set(encoder.stored())
    assert {name for name, _ in encoder.named_parameters()} == {f"additions.{name}" for name in encoder.additions}
