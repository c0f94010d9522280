"""What PEFT says of the parity prompts: exact float32 on the de-quantised base."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from liaoyuan.training.adapters.base import Base, base_load
from liaoyuan.training.adapters.evaluate import Written, greedy
from liaoyuan.training.adapters.lora import lora_restore
from liaoyuan.training.parity import GREEDY_TOKENS, Reference
from liaoyuan.training.schemas import Recipe

CONTINUATION, LEAD, THREE_BYTES, FOUR_BYTES = 0x80, 0xC0, 0xE0, 0xF0
# Byte-level BPE writes printable bytes as themselves and the others as letters from 256 on, in order.
PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))
HIDDEN = tuple(byte for byte in range(256) if byte not in PRINTABLE)
BYTES = {chr(byte): byte for byte in PRINTABLE} | {chr(256 + place): byte for place, byte in enumerate(HIDDEN)}
# Merging is checked within PyTorch, where differences are rounding: a few prompts show them.
MERGED = 4
# The same measure without an adapter shows what quantisation alone costs; it need not be asked of every prompt.
BARE = 8
Prompts = Sequence[tuple[str, list[int]]]


@dataclass(frozen=True)
class _Asked:
    """What is asked of one prompt: ``token`` after ``ids``, with the log-probability of tuned and base."""

    ids: list[int]
    token: int
    tuned: float
    base: float
    base_token: int | None
    base_top: float


def references_make(
    folder: Path, weights: Path, recipe: Recipe, prompts: Prompts, *, pulse: Callable[[], None] = lambda: None
) -> list[Reference]:
    """One Reference a prompt (id, ids), from the base unpacked in ``folder`` and the adapter's ``weights``."""
    torch.set_float32_matmul_precision("highest")
    base = base_load(folder, torch.float32)
    model = lora_restore(base.model, recipe, weights)
    written = greedy(model, [ids for _, ids in prompts], tokens=GREEDY_TOKENS, end=base.end, pulse=pulse)
    with model.disable_adapter():
        asked = [_asked(base, model, ids, said, pulse) for (_, ids), said in zip(prompts, written, strict=True)]
    merged_model = model.merge_and_unload()
    merged = [float(_logs(merged_model, item.ids, 1, pulse)[0, item.token]) for item in asked[:MERGED]]
    return [
        Reference(
            id=name,
            prompt=ids,
            scored=item.ids,
            token=item.token,
            tuned=item.tuned,
            base=item.base,
            base_token=item.base_token if index < BARE else None,
            base_top=item.base_top,
            merged=merged[index] if index < MERGED else None,
            text=base.tokenizer.decode(said.before(base.end)),
        )
        for index, ((name, ids), item, said) in enumerate(zip(prompts, asked, written, strict=True))
    ]


def _logs(model: Any, ids: list[int], keep: int, pulse: Callable[[], None]) -> torch.Tensor:
    """Log-probabilities after each of the last ``keep`` places of ``ids``, shape (keep, words)."""
    pulse()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids]), logits_to_keep=keep, use_cache=False).logits
        return torch.log_softmax(logits[0].float(), dim=-1)


def _asked(base: Base, model: Any, prompt: list[int], said: Written, pulse: Callable[[], None]) -> _Asked:
    """The first token if the server can tell its probability;

    else, of those it can, the one that training changed most.
    """
    plain = _logs(model, prompt + said.ids[:-1], len(said.ids), pulse)
    effects = [abs(log - float(row[token])) for token, log, row in zip(said.ids, said.logs, plain, strict=True)]
    told = [place for place, token in enumerate(said.ids) if _reportable(base, token)] or [0]
    place = 0 if told[0] == 0 else max(told, key=lambda place: effects[place])
    row, token = plain[place], said.ids[place]
    best = int(row.argmax())
    return _Asked(
        ids=prompt + said.ids[:place],
        token=token,
        tuned=said.logs[place],
        base=float(row[token]),
        base_token=best if _reportable(base, best) else None,
        base_top=float(row[best]),
    )


def _reportable(base: Base, token: int) -> bool:
    """Whether llama.cpp tells this token's probability: it waits while a text ends inside a character."""
    return token != base.end and not ends_inside(token_bytes(base.tokenizer.convert_ids_to_tokens(token)))


def token_bytes(letters: str) -> bytes:
    """The bytes that byte-level BPE writes as ``letters``."""
    return bytes(BYTES[letter] for letter in letters)


def ends_inside(text: bytes) -> bool:
    """Whether ``text`` ends with the beginning of a UTF-8 character; a tail without a beginning does not count."""
    for back, byte in enumerate(reversed(text[-3:]), start=1):
        if byte >= LEAD:
            return back < (4 if byte >= FOUR_BYTES else 3 if byte >= THREE_BYTES else 2)
        if byte < CONTINUATION:
            return False
    return False
