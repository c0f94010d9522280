"""One real model server for these tests, and LoRA adapters made for its base model."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from liaoyuan.compute.engines.addresses import EngineAddresses, engine_addresses
from liaoyuan.compute.engines.manager import engines_down, engines_up
from liaoyuan.deployment.serving.settings import base_model_path
from liaoyuan.pipeline.adapters.model_server import ModelServerClient

RANK = 2


@pytest.fixture(scope="session", autouse=True)
def _engines() -> None:
    """Overrides the parent folder's fixture: the model server needs no database."""


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddresses]:
    found = engine_addresses(tmp_path_factory.mktemp("var"))
    engines_up(found, only=["model_server"])
    yield found
    engines_down(found, only=["model_server"])


@pytest.fixture(scope="session")
def client(addresses: EngineAddresses) -> Iterator[ModelServerClient]:
    token = addresses.model_server_token_file.read_text(encoding="utf-8")
    with ModelServerClient(addresses.model_server_url, token) as found:
        yield found


@pytest.fixture(scope="session")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, str]]:
    """``lora(strength)`` makes an adapter on the value projections; strength 0 changes nothing. Path and sha256."""
    folder = tmp_path_factory.mktemp("lora")

    def make(strength: float, *, width: int = 0) -> tuple[Path, str]:
        path = folder / f"{strength}-{width}.gguf"
        if not path.exists():
            _lora_write(path, strength, width)
        return path, hashlib.sha256(path.read_bytes()).hexdigest()

    return make


def _lora_write(path: Path, strength: float, width: int) -> None:
    random = np.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    for tensor in gguf.GGUFReader(str(base_model_path())).tensors:
        if tensor.name.endswith("attn_v.weight"):
            inputs, outputs = width or int(tensor.shape[0]), int(tensor.shape[1])
            down = random.standard_normal((RANK, inputs)).astype(np.float32)
            up = (random.standard_normal((outputs, RANK)) * strength).astype(np.float32)
            writer.add_tensor(f"{tensor.name}.lora_a", down)
            writer.add_tensor(f"{tensor.name}.lora_b", up)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
