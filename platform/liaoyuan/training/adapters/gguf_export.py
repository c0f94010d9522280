"""A LoRA adapter as GGUF, the way llama.cpp reads it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from liaoyuan.training.adapters.base import Shape

Rows = NDArray[np.float32]
NAME = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$")
TENSORS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def rotary_permute(rows: Rows, heads: int) -> Rows:
    """Reorder the output rows (heads * size, r) from halves, as transformers rotates, to pairs, as llama.cpp does.

    The base's q and k were reordered when it was converted, so the update B @ A must follow: its rows are B's rows.
    """
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)


def gguf_tensors(
    weights: Mapping[str, torch.Tensor], shape: Shape, *, permute: Callable[[Rows, int], Rows] = rotary_permute
) -> dict[str, Rows]:
    """PEFT's tensors under llama.cpp's names: ``blk.N.attn_q.weight.lora_a`` (r, in) and ``…lora_b`` (out, r).

    Raises ValueError for a tensor that has no place in a llama-family GGUF.
    """
    made: dict[str, Rows] = {}
    heads = {"q_proj": shape.heads, "k_proj": shape.kv_heads}
    for name, value in weights.items():
        match = NAME.search(name)
        if match is None or match[2] not in TENSORS:
            raise ValueError(f"no GGUF name for {name}")
        layer, module, side = match.groups()
        rows: Rows = value.detach().float().numpy()
        if side == "B" and module in heads:
            rows = permute(rows, heads[module])
        made[f"blk.{layer}.{TENSORS[module]}.weight.lora_{side.lower()}"] = np.ascontiguousarray(rows)
    return made


def gguf_write(path: Path, tensors: Mapping[str, Rows], *, alpha: float, name: str, base_sha256: str) -> None:
    """Write an adapter file, tensors in float32: half precision would save 1 MB in 5 and cost exactness."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    writer.add_name(name)
    writer.add_string("liaoyuan.base_sha256", base_sha256)
    for key in sorted(tensors):
        writer.add_tensor(key, tensors[key])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
