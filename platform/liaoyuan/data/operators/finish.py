"""Operators on samples: keep the gate questions out, split by document, write the chat messages."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from liaoyuan.data.schemas import Drop, Outcome, Sample
from liaoyuan.industry.schemas.recipe import Decontaminate, Split

PUNCTUATION: Final = re.compile(r"[\W_]+")


def decontaminate(samples: Sequence[Sample], params: Decontaminate, *, questions: Sequence[str]) -> Outcome:
    """Drop samples whose question shares a run of ``ngram`` characters with a gate question (letters and digits only),
    or holds the whole of a gate question that is shorter.

    The evidence may be the same page, since retrieval sees it too; what must not be learnt is the question.
    """
    gate = [_plain(question) for question in questions]
    forbidden = {run for question in gate for run in _runs(question, params.ngram)}
    short = [question for question in gate if len(question) < params.ngram]
    kept, drops = [], []
    for sample in samples:
        asked = _plain(sample.question)
        if forbidden.isdisjoint(_runs(asked, params.ngram)) and not any(question in asked for question in short):
            kept.append(sample)
        else:
            drops.append(Drop(sample.id, "decontaminate", "gate_question", sample.question[:200]))
    return Outcome(kept, drops)


def _plain(text: str) -> str:
    return PUNCTUATION.sub("", text.lower())


def _runs(plain: str, size: int) -> set[str]:
    return {plain[i : i + size] for i in range(max(1, len(plain) - size + 1))}


def split(samples: Sequence[Sample], params: Split) -> Outcome:
    """Whole documents go to ``train`` or to ``eval``, in a seeded order until the training share is reached.

    With a single document its passages are split instead (``by`` in the numbers says so). A sample whose question and
    evidence fall on different sides is dropped: it would carry one side's text into the other.
    """
    by = "document_version_id" if len(_units(samples, "document_version_id")) > 1 else "passage"
    train = _train_units(samples, params, by)
    kept, drops = [], []
    for sample in samples:
        sides = {"train" if unit in train else "eval" for unit in _units([sample], by)}
        if len(sides) == 1:
            kept.append(replace(sample, split=sides.pop()))
        else:
            drops.append(Drop(sample.id, "split", "crosses_split", sample.question[:200]))
    counts = {name: sum(sample.split == name for sample in kept) for name in ("train", "eval")}
    return Outcome(kept, drops, 0, {"by": by.removesuffix("_version_id"), "train_units": len(train)} | counts)


def _units(samples: Sequence[Sample], by: str) -> set[str]:
    """What is held together: the documents (or passages) of the evidence and, where it differs, of the question."""
    return {str(sample.source[key]) for sample in samples for key in (by, f"question_{by}") if sample.source.get(key)}


def _train_units(samples: Sequence[Sample], params: Split, by: str) -> set[str]:
    # By title first: ids are drawn anew on every installation, and the same documents should split the same way.
    titles = {str(sample.source[by]): str(sample.source.get("document", "")) for sample in samples}
    units = sorted(_units(samples, by), key=lambda unit: (titles.get(unit, ""), unit))
    order = random.Random(params.seed)  # noqa: S311 - a reproducible draw, not a secret
    order.shuffle(units)
    size = Counter(str(sample.source[by]) for sample in samples)
    train: set[str] = set()
    taken = 0
    # The last unit is always held out, whatever its size.
    for unit in units[:-1]:
        if taken < params.train * len(samples):
            train.add(unit)
            taken += size[unit]
    return train


def write_messages(samples: Sequence[Sample], prompt: Callable[[Sample], str]) -> list[Sample]:
    """Each sample with its chat messages: the prompt that serving will use, and the answer to be learnt."""
    written = []
    for sample in samples:
        answer = f"{sample.answer} [1]" if sample.answerable else sample.answer
        messages = ({"role": "user", "content": prompt(sample)}, {"role": "assistant", "content": answer})
        written.append(replace(sample, messages=messages))
    return written
