"""Teach the built-in embedding model how people ask, on questions whose places are known.

    manage.py knowledge import --organization bench --collection laws …       (once for each set)
    python -m benchmarks.asking --organization bench laws=a.jsonl laws=more.jsonl \
        --passages own=passages.jsonl:questions.jsonl [--folds 2] [--unseen vectors.npz] [--write]

The passages' vectors stay as they are; only how a question is read is learned. Printed by set: mean reciprocal rank
and recall by cosine alone, before and after, where no question about the same document was learned from. ``--unseen``
keeps those vectors for ``benchmarks/knowledge_fit.py --vectors``, which must not learn from questions that the model
knows. The sets ``held_*_b``, ``kind_*_b``, ``fresh_*`` and ``test_*`` are only scored. ``--write`` learns from all
others and stores the result beside the code that reads it.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.asking.start import ROOT, django_start

if TYPE_CHECKING:
    from benchmarks.asking.material import Pool
    from benchmarks.asking.teach import Lesson

STORED = ROOT / "platform/liaoyuan/deployment/serving/e5/question.npz"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not options.sets and not options.passages:
        print("left out: name collections and question sets, as --help says")
        return 0
    django_start()
    from benchmarks.asking import teach

    torch.set_num_threads(options.threads)
    lesson = teach.Lesson.over(_pools(options))
    if options.folds:
        unseen = teach.unseen_vectors(lesson, options.folds, print)
        _report(lesson, unseen)
        if options.unseen:
            texts = np.array([one.text for _, one in lesson.asked])
            np.savez(options.unseen, texts=texts, vectors=unseen.numpy())
    if options.write:
        chosen = [index for index, (_, one) in enumerate(lesson.asked) if one.teaches]
        stored = teach.teach(lesson, chosen, print).stored()
        np.savez(STORED, allow_pickle=False, **stored)
        print(f"{STORED}: learned from {len(chosen)} questions")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organization", default="bench")
    parser.add_argument("--passages", action="append", default=[], metavar="NAME=PASSAGES:QUESTIONS")
    parser.add_argument("--folds", type=int, default=2, help="0: none")
    parser.add_argument("--unseen", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("sets", nargs="*", metavar="COLLECTION=FILE")
    return parser


def _pools(options: argparse.Namespace) -> "list[Pool]":
    from benchmarks.asking.material import pool_of_collection, pool_of_passages

    files: dict[str, list[Path]] = defaultdict(list)
    for name, _, file in (item.partition("=") for item in options.sets):
        files[name].append(Path(file))
    pools = [pool_of_collection(options.organization, name, listed) for name, listed in files.items()]
    for name, _, both in (item.partition("=") for item in options.passages):
        passages, _, questions = both.partition(":")
        pools.append(pool_of_passages(name, Path(passages), Path(questions)))
    return pools


def _report(lesson: "Lesson", unseen: torch.Tensor) -> None:
    from benchmarks.asking.teach import places

    sources: dict[str, list[int]] = defaultdict(list)
    for index, (_, one) in enumerate(lesson.asked):
        if one.places:
            sources[one.source].append(index)
    for source, own in sorted(sources.items()):
        before, after = ([places(lesson, vectors, index) for index in own] for vectors in (lesson.before, unseen))
        print(f"{source} ({len(own)}): {_measures(before)} -> {_measures(after)}")


def _measures(ranks: Sequence[Sequence[int]]) -> str:
    mrr = np.mean([1 / min(found) for found in ranks])
    recall = np.mean([np.mean([rank <= 5 for rank in found]) for found in ranks])
    return f"MRR {mrr:.3f}, recall@5 {recall:.3f}"


if __name__ == "__main__":
    sys.exit(main())
