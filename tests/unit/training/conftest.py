import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from liaoyuan.training.adapters.base import Base, base_load, base_unpack
from liaoyuan.training.adapters.batches import Encoded, encode_fitting
from liaoyuan.training.schemas import Recipe, Sample
from tests.unit.training.tiny import conversations, tiny_gguf


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def unpacked(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_unpack(tiny, tmp_path_factory.mktemp("cache"))


@pytest.fixture
def base(unpacked: Path) -> Base:
    return base_load(unpacked, torch.float32)


@pytest.fixture
def samples() -> list[Sample]:
    return [Sample.model_validate(row) for row in conversations(48)]


@pytest.fixture
def encoded(base: Base, samples: list[Sample]) -> list[Encoded]:
    learnt = [sample for sample in samples if sample.split == "train"]
    return encode_fitting(base.tokenizer, learnt, end=base.end, max_length=128)[0]


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(rank=4, alpha=8, learning_rate=0.01, batch_tokens=256, max_length=128, max_steps=12, eval_samples=12)


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    def write(rows: list[dict[str, Any]] | None = None) -> Path:
        path = tmp_path / "dataset.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows or conversations(48)))
        return path

    return write
