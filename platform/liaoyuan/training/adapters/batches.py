"""Conversations as token ids with the prompt masked, and batches of equal length that waste little on padding."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from liaoyuan.training.schemas import Sample

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """``ids`` of prompt and answer; the answer starts at ``start`` and closes with the end token."""

    id: str
    ids: tuple[int, ...]
    start: int

    @property
    def labels(self) -> tuple[int, ...]:
        """What is learnt at each place: IGNORED over the prompt."""
        return (IGNORED,) * self.start + self.ids[self.start :]


@dataclass(frozen=True)
class Batch:
    """Shapes (n, longest): ids, attention mask (1 real, 0 padding), labels."""

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor


def prompt_ids(tokenizer: Any, messages: list[dict[str, str]]) -> list[int]:
    """Ids of the prompt as it is served: the template's text, special tokens parsed, none put before it."""
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode(tokenizer: Any, sample: Sample, end: int) -> Encoded:
    """Prompt and answer are tokenised apart, as in serving, where the prompt's last token is fixed before the
    answer.
    """
    prompt = prompt_ids(tokenizer, sample.prompt())
    answer = tokenizer(sample.answer, add_special_tokens=False)["input_ids"]
    return Encoded(sample.id, (*prompt, *answer, end), len(prompt))


def encode_fitting(
    tokenizer: Any, samples: Iterable[Sample], *, end: int, max_length: int
) -> tuple[list[Encoded], list[str]]:
    """The encoded samples, and the ids of those left out for being longer than ``max_length``.

    A cut answer would teach the model to stop in the middle, so long samples are left out whole.
    """
    encoded = [encode(tokenizer, sample, end) for sample in samples]
    too_long = [item.id for item in encoded if len(item.ids) > max_length]
    return [item for item in encoded if len(item.ids) <= max_length], too_long


def collate(items: Sequence[Encoded], pad: int) -> Batch:
    """Pad on the right to the longest of ``items``."""
    longest = max(len(item.ids) for item in items)
    gaps = [longest - len(item.ids) for item in items]
    return Batch(
        torch.tensor([[*item.ids, *[pad] * gap] for item, gap in zip(items, gaps, strict=True)]),
        torch.tensor([[1] * len(item.ids) + [0] * gap for item, gap in zip(items, gaps, strict=True)]),
        torch.tensor([[*item.labels, *[IGNORED] * gap] for item, gap in zip(items, gaps, strict=True)]),
    )


def groups(items: Sequence[Encoded], batch_tokens: int) -> list[list[Encoded]]:
    """Neighbours in length together, at most ``batch_tokens`` a group with padding (a longer single item stands alone).

    The sort is stable: among items of one length the given order decides who shares a batch.
    """
    made: list[list[Encoded]] = []
    for item in sorted(items, key=lambda item: len(item.ids)):
        if made and (len(made[-1]) + 1) * len(item.ids) <= batch_tokens:
            made[-1].append(item)
        else:
            made.append([item])
    return made


def epoch_groups(items: Sequence[Encoded], *, batch_tokens: int, seed: int, epoch: int) -> list[list[Encoded]]:
    """One epoch's batches: who shares a batch and the order change from epoch to epoch, the same for the same seed."""
    order = random.Random(f"{seed}/{epoch}")  # noqa: S311  # a reproducible order, not a secret
    shuffled = sorted(items, key=lambda item: item.id)
    order.shuffle(shuffled)
    made = groups(shuffled, batch_tokens)
    order.shuffle(made)
    return made
