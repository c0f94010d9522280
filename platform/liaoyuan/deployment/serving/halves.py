"""A half-precision copy of a quantised base, made once and served in its stead.

llama.cpp multiplies 4-bit weights with activations rounded to 8 bits, and that rounding, not the weights, is what moves
answers. Measured on SmolLM2-135M (Q4_1) with an adapter trained on a pack's data: of its first tokens 85 % were within
0.15 nats of what training says; with the same weight values in float16, where activations keep 11 bits, all were, the
largest difference 0.004. A prompt is read as fast as before; a new token takes about 1.6 times as long, since the file
is 2.8 times as large.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import dequantize

HALF_FILE_TYPE = 1
BLOCK = 1 << 20
PLAIN = frozenset({gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16})
SKIPPED = frozenset({"general.architecture", "general.file_type", "general.quantization_version"})


def half_copy(source: Path, folder: Path) -> Path:
    """The float16 copy of ``source`` in ``folder``, named by the source's content; ``source`` itself if it is not
    quantised.

    A copy appears whole or not at all, so a server killed in between, or two that start at once, do no harm. Raises
    OSError when the disk is full.
    """
    digest = _sha256(source)
    target = folder / f"{source.stem}.{digest[:16]}.f16.gguf"
    if target.exists():
        return target
    reader = gguf.GGUFReader(source)
    if all(tensor.tensor_type in PLAIN for tensor in reader.tensors):
        return source
    folder.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _write(reader, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _write(reader: Any, path: Path) -> None:
    architecture = str(reader.fields["general.architecture"].contents())
    writer = gguf.GGUFWriter(path, architecture)
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name not in SKIPPED:
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)
    writer.add_file_type(HALF_FILE_TYPE)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, _halved(tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _halved(tensor: Any) -> Any:
    """Quantised values as float16; norms, which are float32 and small, stay."""
    if tensor.tensor_type in PLAIN:
        return tensor.data
    return dequantize(tensor.data, tensor.tensor_type).astype(np.float16)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
