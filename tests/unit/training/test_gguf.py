"""The adapter in GGUF is the adapter that was trained: llama.cpp says what PEFT says, and a wrong one cannot pass."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from liaoyuan.training.adapters.base import Base, base_load
from liaoyuan.training.adapters.batches import Encoded, prompt_ids
from liaoyuan.training.adapters.gguf_export import Rows, gguf_tensors, gguf_write, rotary_permute
from liaoyuan.training.adapters.loop import train
from liaoyuan.training.adapters.lora import lora_attach, lora_save, lora_weights
from liaoyuan.training.adapters.references import BYTES, ends_inside, references_make, token_bytes
from liaoyuan.training.parity import ParityReport, Reference, parity_measure
from liaoyuan.training.schemas import Recipe, Sample
from tests.unit.training.server import LlamaInProcess
from tests.unit.training.tiny import byte_letters

Permute = Callable[[Rows, int], Rows]


class Trained:
    """A trained tiny adapter with PEFT's references; ``serve`` exports it and measures it in llama.cpp."""

    def __init__(self, gguf: Path, unpacked: Path, encoded: list[Encoded], samples: list[Sample], home: Path) -> None:
        # Only q and k learn: the two whose rows must be permuted.
        self.recipe = Recipe(
            rank=4, alpha=16, targets=("q_proj", "k_proj"), learning_rate=0.05, batch_tokens=256, max_steps=10
        )
        self.gguf, self.home = gguf, home
        base: Base = base_load(unpacked, torch.float32)
        model = lora_attach(base.model, self.recipe)
        train(model, encoded, self.recipe, pad=base.end)
        self.tensors = lora_weights(model)
        self.shape = base.shape
        weights = lora_save(model, self.recipe, base.sha256, home)
        prompts = [(sample.id, prompt_ids(base.tokenizer, sample.prompt())) for sample in samples[:20]]
        self.references: list[Reference] = references_make(unpacked, weights, self.recipe, prompts)

    def serve(self, permute: Permute = rotary_permute) -> ParityReport:
        path = self.home / "adapter.gguf"
        tensors = gguf_tensors(self.tensors, self.shape, permute=permute)
        gguf_write(path, tensors, alpha=self.recipe.alpha, name="tiny", base_sha256="0" * 64)
        return self.measure(LlamaInProcess(self.gguf, path))

    def measure(self, server: LlamaInProcess) -> ParityReport:
        return parity_measure(server, adapter="tuned", base="base", references=self.references)


@pytest.fixture(scope="module")
def trained(tiny: Path, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from liaoyuan.training.adapters.batches import encode_fitting
    from tests.unit.training.tiny import conversations

    samples = [Sample.model_validate(row) for row in conversations(48)]
    base = base_load(unpacked, torch.float32)
    learnt = [sample for sample in samples if sample.split == "train"]
    encoded, _ = encode_fitting(base.tokenizer, learnt, end=base.end, max_length=128)
    return Trained(tiny, unpacked, encoded, samples, tmp_path_factory.mktemp("trained"))


def test_the_served_adapter_agrees_with_peft_and_changes_the_output(trained: Trained) -> None:
    report = trained.serve()
    assert report.passed
    assert report.first_share == 1.0 and report.largest_difference < 0.02
    assert report.greedy_share >= 0.9
    assert report.median_effect > 0.15 and report.base_first_share == 1.0


def test_merged_weights_equal_base_plus_adapter(trained: Trained) -> None:
    assert trained.serve().merged_largest < 1e-3


def test_without_the_permutation_of_q_and_k_parity_fails(trained: Trained) -> None:
    report = trained.serve(permute=lambda rows, heads: rows)
    assert not report.passed and report.first_share < 0.95


def test_a_server_that_ignores_the_adapter_fails(trained: Trained) -> None:
    report = trained.measure(LlamaInProcess(trained.gguf))
    assert not report.passed and report.first_share < 0.95


def test_an_adapter_that_changes_nothing_proves_nothing(trained: Trained) -> None:
    server = LlamaInProcess(trained.gguf)
    bare = [(r, r.base_token) for r in trained.references if r.base_token is not None]
    idle = [replace(r, token=token, tuned=r.base_top, base=r.base_top, merged=r.base_top) for r, token in bare]
    report = parity_measure(server, adapter="tuned", base="base", references=idle)
    assert report.median_difference < 0.01 and report.visible_share == 0.0
    assert not report.passed


@pytest.mark.parametrize(
    ("text", "inside"),
    [(b"The", False), ("第".encode()[:2], True), ("第".encode()[2:], False), (b"a\xc3", True), ("é".encode(), False)],
)
def test_the_server_tells_nothing_of_a_token_that_ends_inside_a_character(text: bytes, inside: bool) -> None:
    assert ends_inside(text) is inside


def test_byte_letters_are_read_back() -> None:
    assert bytes(BYTES[letter] for letter in byte_letters()) == bytes(range(256))
    assert token_bytes("\u0120the") == b" the"


def test_the_permutation_turns_halves_into_pairs() -> None:
    import numpy as np

    rows = np.arange(8, dtype=np.float32)[:, None]
    assert rotary_permute(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_tensor_that_has_no_place_is_refused(trained: Trained) -> None:
    with pytest.raises(ValueError, match="no GGUF name"):
        gguf_tensors({"model.layers.0.mixer.lora_A.weight": torch.ones(2, 2)}, trained.shape)
