"""Base against tuned: loss on held-out answers, greedy answers, and what was forgotten."""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from liaoyuan.training.adapters.batches import Encoded, collate, groups
from liaoyuan.training.adapters.loss import answer_loss

# Words of alphabetic scripts, single characters of the others: Chinese has no spaces.
UNITS = re.compile(r"[a-z0-9]+(?:[.'-][a-z0-9]+)*|[^\W\d_a-z]", re.IGNORECASE)
EVALUATION_TOKENS = 2048


@dataclass(frozen=True)
class Scores:
    """Answer-token loss in nats, perplexity, and of greedy answers the share that is exact and the mean F1
    over words.
    """

    loss: float
    answer_tokens: int
    exact: float | None = None
    f1: float | None = None
    greedy_samples: int = 0

    @property
    def perplexity(self) -> float:
        return math.exp(self.loss)

    def as_dict(self) -> dict[str, Any]:
        body = {"loss": self.loss, "perplexity": self.perplexity, "answer_tokens": self.answer_tokens}
        return body | {"exact": self.exact, "f1": self.f1, "greedy_samples": self.greedy_samples}


def held_out_loss(
    model: Any, items: Sequence[Encoded], *, pad: int, pulse: Callable[[], None] = lambda: None
) -> tuple[float, int]:
    """(mean loss per answer token, answer tokens) of a causal language model;

    ``pulse`` is called before every batch.
    """
    total, count = 0.0, 0
    with torch.inference_mode():
        for group in groups(items, EVALUATION_TOKENS):
            pulse()
            loss, tokens = answer_loss(model, collate(group, pad))
            total, count = total + float(loss), count + tokens
    return total / max(count, 1), count


@dataclass(frozen=True)
class Written:
    """One greedy continuation: its tokens with the end token if it came, and the log-probability of each."""

    ids: list[int]
    logs: list[float]

    def before(self, end: int) -> list[int]:
        """The tokens without the end token."""
        return [token for token in self.ids if token != end]


def greedy(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    tokens: int,
    end: int,
    batch: int = 8,
    pulse: Callable[[], None] = lambda: None,
) -> list[Written]:
    """At most ``tokens`` greedy tokens after each prompt. Neighbours in length share a batch."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    made: dict[int, Written] = {}
    for start in range(0, len(order), batch):
        pulse()
        chosen = order[start : start + batch]
        made |= zip(chosen, _greedy([prompts[i] for i in chosen], model, tokens, end), strict=True)
    return [made[index] for index in range(len(prompts))]


def _greedy(prompts: list[Sequence[int]], model: Any, tokens: int, end: int) -> list[Written]:
    longest = max(len(prompt) for prompt in prompts)
    gaps = [longest - len(prompt) for prompt in prompts]
    ids = torch.tensor([[end] * gap + list(prompt) for prompt, gap in zip(prompts, gaps, strict=True)])
    mask = torch.tensor([[0] * gap + [1] * len(prompt) for prompt, gap in zip(prompts, gaps, strict=True)])
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=end,
            eos_token_id=end,
            output_logits=True,
            return_dict_in_generate=True,
        )
        logs = torch.stack([torch.log_softmax(step.float(), dim=-1).amax(dim=-1) for step in out.logits], dim=1)
    rows = out.sequences[:, longest:].tolist()
    counts = [row.index(end) + 1 if end in row else len(row) for row in rows]
    return [Written(row[:n], log[:n]) for row, log, n in zip(rows, logs.tolist(), counts, strict=True)]


def units(text: str) -> list[str]:
    """What F1 counts."""
    return [unit.lower() for unit in UNITS.findall(text)]


def f1(answer: str, wanted: str) -> float:
    """Harmonic mean of precision and recall over units; 1.0 when both are empty."""
    left, right = Counter(units(answer)), Counter(units(wanted))
    if not left or not right:
        return float(left == right)
    shared = (left & right).total()
    return 2 * shared / (left.total() + right.total())


def greedy_scores(answers: Sequence[str], wanted: Sequence[str]) -> tuple[float, float]:
    """(share that is exact, mean F1)."""
    pairs = list(zip(answers, wanted, strict=True))
    exact = sum(units(answer) == units(gold) for answer, gold in pairs) / len(pairs)
    return exact, sum(f1(answer, gold) for answer, gold in pairs) / len(pairs)


@dataclass(frozen=True)
class Verdict:
    """``adapter_better`` needs a lower held-out loss without forgetting;

    else retrieval alone wins, and ``reasons`` says why.
    """

    adapter_better: bool
    reasons: tuple[str, ...]
    summary_zh: str
    summary_en: str


# Less than a hundredth of a nat is within what another order of the batches changes.
SMALLEST_GAIN = 0.01


def verdict(base: Scores, tuned: Scores, general: tuple[float, float], limit: float) -> Verdict:
    """``general`` are the perplexities on general text, base and tuned; ``limit`` their largest ratio."""
    ratio = general[1] / general[0]
    reasons = []
    if not tuned.loss < base.loss - SMALLEST_GAIN:
        reasons.append("held_out_not_better")
    if ratio > limit:
        reasons.append("forgetting")
    numbers = f"{base.perplexity:.2f} → {tuned.perplexity:.2f}"
    if reasons:
        zh = f"仅用检索更好：留出集困惑度 {numbers}，通用困惑度比 {ratio:.2f}（上限 {limit:.2f}）"
        en = f"RAG alone wins: held-out perplexity {numbers}, general perplexity ratio {ratio:.2f} (limit {limit:.2f})"
    else:
        zh = f"适配器更好：留出集困惑度 {numbers}，通用困惑度比 {ratio:.2f}"
        en = f"Adapter better: held-out perplexity {numbers}, general perplexity ratio {ratio:.2f}"
    return Verdict(not reasons, tuple(reasons), zh, en)
