"""The float16 copy of a quantised base: the same values, made once, whole or not at all."""

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize, quantize

from liaoyuan.deployment.serving.halves import half_copy


def model_write(path: Path, kind: gguf.GGMLQuantizationType) -> np.ndarray:  # type: ignore[type-arg]
    """A file with one matrix of ``kind``, one norm and some metadata; returns the matrix as stored."""
    matrix = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    stored = quantize(matrix, kind)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("small")
    writer.add_token_list(["a", "b"])
    writer.add_tensor("blk.0.attn_q.weight", stored, raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    values: np.ndarray = dequantize(stored, kind)  # type: ignore[type-arg]
    return values


def test_the_copy_has_the_same_values_and_metadata(tmp_path: Path) -> None:
    values = model_write(tmp_path / "base.gguf", gguf.GGMLQuantizationType.Q8_0)
    reader = gguf.GGUFReader(half_copy(tmp_path / "base.gguf", tmp_path / "halves"))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert tensors["blk.0.attn_q.weight"].tensor_type == gguf.GGMLQuantizationType.F16
    assert tensors["output_norm.weight"].tensor_type == gguf.GGMLQuantizationType.F32
    np.testing.assert_allclose(tensors["blk.0.attn_q.weight"].data.reshape(8, 64), values, rtol=1e-3)
    assert reader.fields["general.name"].contents() == "small"
    assert reader.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]


def test_the_copy_is_made_once_and_anew_for_other_content(tmp_path: Path) -> None:
    base, folder = tmp_path / "base.gguf", tmp_path / "halves"
    model_write(base, gguf.GGMLQuantizationType.Q8_0)
    first = half_copy(base, folder)
    made = first.stat().st_mtime_ns
    assert half_copy(base, folder) == first and first.stat().st_mtime_ns == made
    model_write(base, gguf.GGMLQuantizationType.Q4_0)
    assert half_copy(base, folder) != first
    assert len(list(folder.iterdir())) == 2


def test_a_base_that_is_not_quantised_is_served_as_it_is(tmp_path: Path) -> None:
    model_write(tmp_path / "base.gguf", gguf.GGMLQuantizationType.F16)
    assert half_copy(tmp_path / "base.gguf", tmp_path / "halves") == tmp_path / "base.gguf"
    assert not (tmp_path / "halves").exists()


def test_a_broken_base_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "base.gguf").write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises((ValueError, IndexError, KeyError)):
        half_copy(tmp_path / "base.gguf", tmp_path / "halves")
    assert not list(tmp_path.glob("halves/*"))
