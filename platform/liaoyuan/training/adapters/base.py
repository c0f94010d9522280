"""A llama-family GGUF as a PyTorch model and tokenizer, unpacked once into a folder that loads in a second."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from liaoyuan.training.errors import BaseUnsupported

os.environ.setdefault("HF_HUB_OFFLINE", "1")

CONFIG, WEIGHTS, TOKENIZER, EXTRAS = "config.json", "weights.safetensors", "tokenizer.json", "extras.json"
HEAD = "lm_head.weight"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Shape:
    """What the export needs to know: heads decide how rows of q and k are permuted."""

    layers: int
    heads: int
    kv_heads: int


@dataclass
class Base:
    """An unpacked base: model in ``dtype`` on the CPU, tokenizer with chat template, id of the end token."""

    model: Any
    tokenizer: Any
    end: int
    sha256: str
    folder: Path

    @property
    def shape(self) -> Shape:
        return shape_of(self.model.config)


def shape_of(config: Any) -> Shape:
    """The shape in a transformers llama config."""
    return Shape(config.num_hidden_layers, config.num_attention_heads, config.num_key_value_heads)


def sha256_of(path: Path) -> str:
    """SHA-256 of one file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def base_unpack(gguf: Path, cache: Path) -> Path:
    """De-quantise ``gguf`` into ``cache/<sha256>/`` unless that is there already; returns the folder.

    Values stay float32: a Q4_1 value is a float16 scale times an integer plus an offset and fits neither half format.
    Raises BaseUnsupported.
    """
    digest = sha256_of(gguf)
    folder = cache / digest
    if folder.exists():
        return folder
    draft = cache / f".{digest}.{os.getpid()}.part"
    draft.mkdir(parents=True, exist_ok=True)
    try:
        _unpack(gguf, draft)
        (draft / EXTRAS).write_text(json.dumps(json.loads((draft / EXTRAS).read_text()) | {"sha256": digest}))
        _move(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _move(draft: Path, folder: Path) -> None:
    """Two processes may unpack at once: the first rename wins, the other's copy is equal."""
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _unpack(gguf: Path, draft: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    _pretokenizer_mend(tokenizer, gguf)
    model = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    if model.config.model_type != "llama":
        raise BaseUnsupported(path=gguf.name, detail=f"architecture {model.config.model_type}")
    if not tokenizer.chat_template:
        raise BaseUnsupported(path=gguf.name, detail="no chat template")
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        weights.pop(HEAD, None)
    save_file(weights, draft / WEIGHTS)
    config = model.config.to_dict()
    config.pop("quantization_config", None)
    (draft / CONFIG).write_text(json.dumps(config, default=str))
    tokenizer.backend_tokenizer.save(str(draft / TOKENIZER))
    extras = {"template": tokenizer.chat_template, "eos": tokenizer.eos_token, "bos": tokenizer.bos_token}
    (draft / EXTRAS).write_text(json.dumps(extras))


def _pretokenizer_mend(tokenizer: Any, gguf: Path) -> None:
    """transformers forgets that this family splits digits one by one;

    llama.cpp does not, and token ids would differ.
    """
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    field = GGUFReader(gguf).fields.get("tokenizer.ggml.pre")
    kind = str(field.contents()) if field else ""
    if kind != "smollm":
        raise BaseUnsupported(path=gguf.name, detail=f"pre-tokenizer {kind!r}")
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)


def base_load(folder: Path, dtype: torch.dtype) -> Base:
    """Model and tokenizer from an unpacked ``folder``; parameters frozen, in evaluation mode."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer_class: Any = PreTrainedTokenizerFast

    extras = json.loads((folder / EXTRAS).read_text())
    with torch.device("meta"):
        model: Any = LlamaForCausalLM(LlamaConfig.from_dict(json.loads((folder / CONFIG).read_text())))
    weights = {name: value.to(dtype) for name, value in load_file(folder / WEIGHTS).items()}
    weights.setdefault(HEAD, weights["model.embed_tokens.weight"])
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    _rotary_rebuild(model)
    tokenizer = tokenizer_class(
        tokenizer_file=str(folder / TOKENIZER),
        eos_token=extras["eos"],
        bos_token=extras["bos"],
        pad_token=extras["eos"],
    )
    tokenizer.chat_template = extras["template"]
    model.requires_grad_(requires_grad=False)
    return Base(model.eval(), tokenizer, int(tokenizer.eos_token_id), extras["sha256"], folder)


def _rotary_rebuild(model: Any) -> None:
    """The rotary frequencies are computed, not stored, so the meta device left them empty."""
    model.model.rotary_emb = type(model.model.rotary_emb)(config=model.config)
