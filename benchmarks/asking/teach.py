"""Contrastive learning: a question nearer to its place than to every other passage of its pool, whose vectors stay."""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from benchmarks.asking.encoder import AskingEncoder
from benchmarks.asking.material import Asked, Pool

EPOCHS, RATE, BATCH, WARM_STEPS, DECAY = 3, 1e-3, 16, 30, 0.01
# Cosines of E5 lie between 0.7 and 0.95: a low temperature tells them apart.
TEMPERATURE = 0.015
# How much it costs to leave where the model put the question: what it knows of other subjects lies there.
KEEP = 3.0
# So many batches are sorted by length together.
_SORTED = 8


@dataclass
class Lesson:
    """All questions, with what is the same in every epoch. ``before`` are their vectors by the model as it was."""

    encoder: AskingEncoder
    asked: list[tuple[Pool, Asked]]
    states: list[Tensor]
    before: Tensor

    @classmethod
    def over(cls, pools: Sequence[Pool]) -> "Lesson":
        encoder = AskingEncoder()
        asked = [(pool, one) for pool in pools for one in pool.asked]
        states = [encoder.begin(encoder.ids(one.text)) for _, one in asked]
        lesson = cls(encoder, asked, states, torch.empty(0))
        lesson.before = lesson.vectors(encoder, range(len(asked)))
        return lesson

    def batch(self, part: Sequence[int]) -> tuple[Tensor, Tensor]:
        longest = max(len(self.states[index]) for index in part)
        states = torch.zeros(len(part), longest, self.encoder.shape.hidden)
        known = torch.zeros(len(part), longest, dtype=torch.bool)
        for row, index in enumerate(part):
            states[row, : len(self.states[index])] = self.states[index]
            known[row, : len(self.states[index])] = True
        return states, known

    @torch.inference_mode()
    def vectors(self, encoder: AskingEncoder, chosen: Sequence[int]) -> Tensor:
        """Shape (len(chosen), 384), in the order of ``chosen``."""
        encoder.eval()
        found = torch.empty(len(chosen), self.encoder.shape.hidden)
        order = sorted(range(len(chosen)), key=lambda place: len(self.states[chosen[place]]))
        for start in range(0, len(order), 2 * BATCH):
            part = order[start : start + 2 * BATCH]
            found[part] = encoder(*self.batch([chosen[place] for place in part]))
        return found


def teach(lesson: Lesson, chosen: Sequence[int], report: Callable[[str], None], seed: int = 0) -> AskingEncoder:
    """An encoder that learned from the ``chosen`` questions. The same questions teach the same."""
    torch.manual_seed(seed)
    shuffler = random.Random(seed)
    encoder = AskingEncoder()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=RATE, weight_decay=DECAY)
    steps, step = EPOCHS * -(-len(chosen) // BATCH), 0
    for epoch in range(EPOCHS):
        encoder.train()
        total = 0.0
        for part in _batches(lesson, chosen, shuffler):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1.0, step / WARM_STEPS) * (1 - step / steps)
            loss = _loss(lesson, part, encoder(*lesson.batch(part)))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch has no types here
            clip_grad_norm_(encoder.parameters(), 1.0)
            optimizer.step()
            total, step = total + float(loss.detach()) * len(part), step + 1
        report(f"epoch {epoch + 1} of {EPOCHS}: loss {total / len(chosen):.3f}")
    return encoder


def _batches(lesson: Lesson, chosen: Sequence[int], shuffler: random.Random) -> Iterator[list[int]]:
    """Neighbours in length share a batch, in an order by chance."""
    order = list(chosen)
    shuffler.shuffle(order)
    parts = []
    for start in range(0, len(order), BATCH * _SORTED):
        block = sorted(order[start : start + BATCH * _SORTED], key=lambda index: len(lesson.states[index]))
        parts += [block[place : place + BATCH] for place in range(0, len(block), BATCH)]
    shuffler.shuffle(parts)
    yield from parts


def _loss(lesson: Lesson, part: Sequence[int], vectors: Tensor) -> Tensor:
    losses = []
    for vector, index in zip(vectors, part, strict=True):
        pool, one = lesson.asked[index]
        odds = functional.log_softmax(pool.vectors @ vector / TEMPERATURE, 0)
        found = torch.stack([torch.logsumexp(odds[list(place)], 0) for place in one.places])
        losses.append(-found.mean())
    apart = 1 - (vectors * lesson.before[list(part)]).sum(1)
    return torch.stack(losses).mean() + KEEP * apart.mean()


def folds_by_document(lesson: Lesson, count: int, seed: int = 0) -> list[frozenset[int]]:
    """For each question the folds of its documents; a question without a place is in one by its words."""
    documents = sorted({each for _, one in lesson.asked for each in one.documents})
    random.Random(seed).shuffle(documents)
    fold = {each: place % count for place, each in enumerate(documents)}
    return [
        frozenset(fold[each] for each in one.documents) or frozenset({zlib.crc32(one.text.encode()) % count})
        for _, one in lesson.asked
    ]


def unseen_vectors(lesson: Lesson, count: int, report: Callable[[str], None]) -> Tensor:
    """Each question's vector by an encoder that saw no question about its first document."""
    folds = folds_by_document(lesson, count)
    found = torch.empty_like(lesson.before)
    for fold in range(count):
        report(f"fold {fold + 1} of {count}")
        others = [i for i, (_, one) in enumerate(lesson.asked) if one.teaches and fold not in folds[i]]
        own = [i for i in range(len(folds)) if min(folds[i]) == fold]
        found[own] = lesson.vectors(teach(lesson, others, report), own)
    return found


def places(lesson: Lesson, vectors: Tensor, index: int) -> list[int]:
    """The rank of each thing that question ``index`` asks, by cosine alone."""
    pool, one = lesson.asked[index]
    order = torch.argsort(-(pool.vectors @ vectors[index])).tolist()
    rank: NDArray[np.int64] = np.empty(len(order), np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    return [int(rank[list(place)].min()) for place in one.places]
