"""A llama small enough to train in milliseconds, as a GGUF that both transformers and llama.cpp read."""

from pathlib import Path

import gguf
import numpy as np

HIDDEN, FEED_FORWARD, LAYERS, HEADS, KV_HEADS, CONTEXT = 48, 96, 2, 6, 2, 256
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END = 2
TEMPLATE = "".join(
    [
        "{% for message in messages %}",
        "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}",
        "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    ]
)


def byte_letters() -> list[str]:
    """The 256 letters by which byte-level BPE writes bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(shifted)) for byte in range(256)]


def tiny_gguf(path: Path, *, seed: int = 0) -> Path:
    """Write the model to ``path``; the same ``seed`` gives the same weights."""
    random = np.random.default_rng(seed)
    tokens = [*SPECIAL, *byte_letters(), "th"]
    writer = gguf.GGUFWriter(path, "llama")
    _header(writer, len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    writer.add_pad_token_id(END)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    for name, shape in _shapes(len(tokens)).items():
        scale = 1.0 if name == "token_embd.weight" else 0.35
        value = np.ones(shape) if "norm" in name else random.normal(0, scale / np.sqrt(shape[-1]) * 3, shape)
        writer.add_tensor(name, value.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _header(writer: gguf.GGUFWriter, words: int) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(words)
    writer.add_file_type(0)


def _shapes(words: int) -> dict[str, tuple[int, ...]]:
    narrow = HIDDEN // HEADS * KV_HEADS
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (words, HIDDEN), "output_norm.weight": (HIDDEN,)}
    for layer in range(LAYERS):
        block = {
            "attn_norm.weight": (HIDDEN,),
            "attn_q.weight": (HIDDEN, HIDDEN),
            "attn_k.weight": (narrow, HIDDEN),
            "attn_v.weight": (narrow, HIDDEN),
            "attn_output.weight": (HIDDEN, HIDDEN),
            "ffn_norm.weight": (HIDDEN,),
            "ffn_gate.weight": (FEED_FORWARD, HIDDEN),
            "ffn_up.weight": (FEED_FORWARD, HIDDEN),
            "ffn_down.weight": (HIDDEN, FEED_FORWARD),
        }
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
    return shapes


def conversations(count: int) -> list[dict[str, object]]:
    """Samples with a pattern to learn: which colour a thing has. Every fourth is held out."""
    colours, things = ("red", "green", "blue"), ("cup", "hat", "door", "lamp", "boat")
    rows: list[dict[str, object]] = []
    for number in range(count):
        colour, thing = colours[number % 3], things[number % 5]
        messages = [
            {"role": "user", "content": f"{thing} {number % 3}?"},
            {"role": "assistant", "content": f"The {thing} is {colour}."},
        ]
        split = "eval" if number % 4 == 3 else "train"
        rows.append({"id": f"s{number:03}", "split": split, "messages": messages, "source": {"page": 1}})
    return rows
