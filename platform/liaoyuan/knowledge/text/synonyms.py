"""Everyday words and what regulations call them. Packs bring the words of their own trade."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from liaoyuan.knowledge.text.normalise import normalise

Synonyms = Mapping[str, Sequence[str]]


@lru_cache(maxsize=1)
def general() -> dict[str, tuple[str, ...]]:
    """The platform's own list: an everyday word and its official counterparts, Chinese administrative language."""
    lines = (Path(__file__).parent / "synonyms.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line.strip())
    return {word: tuple(other.split()) for word, other in pairs}


@lru_cache(maxsize=1)
def _general_folded() -> list[tuple[str, tuple[str, ...]]]:
    return _each_folded(general())


def _each_folded(source: Synonyms) -> list[tuple[str, tuple[str, ...]]]:
    return [(normalise(word), tuple(map(normalise, others))) for word, others in source.items()]


def variants_in(question: str, extra: Synonyms | None = None) -> dict[str, tuple[str, ...]]:
    """The listed words that ``question`` uses, each with its other names (itself left out)."""
    folded = normalise(question)
    found: dict[str, list[str]] = {}
    for key, others in (*_general_folded(), *_each_folded(extra or {})):
        if key in folded:
            found.setdefault(key, []).extend(others)
    return {word: tuple(dict.fromkeys(item for item in others if item != word)) for word, others in found.items()}
