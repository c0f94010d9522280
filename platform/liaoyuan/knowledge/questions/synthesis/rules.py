"""The rules of a passage's own kind: tables, Chinese prose, English prose."""

from collections.abc import Iterator

from liaoyuan.knowledge.questions.synthesis import chinese, english, tables
from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal


def propose(passage: Passage) -> Iterator[Proposal]:
    """Every question that the rules find in ``passage``."""
    if passage.kind == "table":
        return tables.propose(passage)
    return chinese.propose(passage) if passage.chinese else english.propose(passage)
