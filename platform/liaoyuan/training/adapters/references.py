"""What PEFT says of the parity prompts: exact float32 on the de-quantised base."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from liaoyuan.training.adapters.base import Base, base_load
from liaoyuan.training.adapters.evaluate import greedy
from liaoyuan.training.adapters.lora import lora_restore
from liaoyuan.training.parity import GREEDY_TOKENS, Reference
from liaoyuan.training.schemas import Recipe

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
Prompts = Sequence[tuple[str, list[int]]]


def references_make(
    folder: Path, weights: Path, recipe: Recipe, prompts: Prompts, *, pulse: Callable[[], None] = lambda: None
) -> list[Reference]:
    """One Reference a prompt (id, ids), from the base unpacked in ``folder`` and the adapter's ``weights``."""
    torch.set_float32_matmul_precision("highest")
    base = base_load(folder, torch.float32)
    model = lora_restore(base.model, recipe, weights)
    ids = [prompt for _, prompt in prompts]
    answers = greedy(model, ids, tokens=GREEDY_TOKENS, end=base.end, pulse=pulse)
    scored = [_whole(base, prompt, answer) for prompt, answer in zip(ids, answers, strict=True)]
    tuned = [_logs(model, prompt, pulse) for prompt in scored]
    with model.disable_adapter():
        plain = [_logs(model, prompt, pulse) for prompt in scored]
    merged_model = model.merge_and_unload()
    merged = [_logs(merged_model, prompt, pulse) for prompt in scored]
    made = []
    for index, (name, prompt) in enumerate(prompts):
        token = int(tuned[index].argmax())
        made.append(
            Reference(
                id=name,
                prompt=prompt,
                scored=scored[index],
                token=token,
                tuned=float(tuned[index][token]),
                base=float(plain[index][token]),
                merged=float(merged[index][token]),
                base_token=int(plain[index].argmax()),
                base_top=float(plain[index].max()),
                text=base.tokenizer.decode(answers[index]),
            )
        )
    return made


def _logs(model: Any, ids: list[int], pulse: Callable[[], None]) -> torch.Tensor:
    """Log-probabilities of the token after ``ids``, shape (words,)."""
    pulse()
    with torch.inference_mode():
        return torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0, -1].float(), dim=-1)


def _whole(base: Base, prompt: list[int], answer: list[int]) -> list[int]:
    """``prompt``, lengthened by greedy tokens until the next one is a whole character by itself."""
    for count, token in enumerate(answer):
        if REPLACEMENT not in base.tokenizer.decode(answer[:count]) + base.tokenizer.decode([token]):
            return prompt + answer[:count]
    return prompt
