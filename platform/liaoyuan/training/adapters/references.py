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

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Merging is checked within PyTorch, where differences are rounding: a few prompts show them.
MERGED = 4
# The same measure without an adapter shows what quantisation alone costs; it need not be asked of every prompt.
BARE = 8
Prompts = Sequence[tuple[str, list[int]]]


@dataclass(frozen=True)
class _Asked:
    """A prompt as it is scored: lengthened to ``ids`` so that ``token``, the greedy next one, is a whole character."""

    ids: list[int]
    token: int
    tuned: float


def references_make(
    folder: Path, weights: Path, recipe: Recipe, prompts: Prompts, *, pulse: Callable[[], None] = lambda: None
) -> list[Reference]:
    """One Reference a prompt (id, ids), from the base unpacked in ``folder`` and the adapter's ``weights``."""
    torch.set_float32_matmul_precision("highest")
    base = base_load(folder, torch.float32)
    model = lora_restore(base.model, recipe, weights)
    written = greedy(model, [ids for _, ids in prompts], tokens=GREEDY_TOKENS, end=base.end, pulse=pulse)
    asked = [_asked(base, ids, answer) for (_, ids), answer in zip(prompts, written, strict=True)]
    with model.disable_adapter():
        plain = [_logs(model, item.ids, pulse) for item in asked]
    merged_model = model.merge_and_unload()
    merged = [float(_logs(merged_model, item.ids, pulse)[item.token]) for item in asked[:MERGED]]
    return [
        Reference(
            id=name,
            prompt=ids,
            scored=item.ids,
            token=item.token,
            tuned=item.tuned,
            base=float(logs[item.token]),
            base_token=_base_token(base, item, logs) if index < BARE else None,
            base_top=float(logs.max()),
            merged=merged[index] if index < MERGED else None,
            text=base.tokenizer.decode(answer.before(base.end)),
        )
        for index, ((name, ids), item, logs, answer) in enumerate(zip(prompts, asked, plain, written, strict=True))
    ]


def _logs(model: Any, ids: list[int], pulse: Callable[[], None]) -> torch.Tensor:
    """Log-probabilities of the token after ``ids``, shape (words,)."""
    pulse()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids]), logits_to_keep=1, use_cache=False).logits
        return torch.log_softmax(logits[0, -1].float(), dim=-1)


def _asked(base: Base, prompt: list[int], answer: Written) -> _Asked:
    """Go along the greedy tokens to the first that is a whole character after whole characters;

    else stay at the first.
    """
    count = next((n for n in range(len(answer.ids)) if _whole(base, answer.ids[:n], answer.ids[n])), 0)
    return _Asked(prompt + answer.ids[:count], answer.ids[count], answer.logs[count])


def _base_token(base: Base, item: _Asked, logs: torch.Tensor) -> int | None:
    """The base's own most likely token, if the server can tell its probability."""
    token = int(logs.argmax())
    return token if _whole(base, [], token) else None


def _whole(base: Base, before: list[int], token: int) -> bool:
    return REPLACEMENT not in base.tokenizer.decode(before) + base.tokenizer.decode([token])
