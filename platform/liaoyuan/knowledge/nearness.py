"""How near a question is to the single sentences of the best passages, each by a vector of its own.

A chunk's vector is about all that it says; the sentence that answers may be a small part of it. A vector for every
sentence of a collection would cost its embedding once more, so only those of the few best passages get one, when they
are asked, and it is remembered by the sentence's own words. Where the embedder is silent or slow the order stays as it
was, and the judgement does without; the answer's notes say so.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.adapters.embeddings import Embedder, Vectors
from liaoyuan.knowledge.rank import LIKENESS, Ranked, sentence_weight
from liaoyuan.knowledge.rerankers import FUSION, Reranked
from liaoyuan.knowledge.settings import DEFAULT_EMBEDDER, RetrievalSettings
from liaoyuan.knowledge.text.sentences import Sentence, sentences

# The best passages whose sentences are looked at; a passage of more sentences than that is a list or a table.
AMONG: Final = 8
_MOST_SENTENCES, _LONGEST = 16, 500
# A person waits for the answer: who is slower than this is not waited for, but what comes later is remembered. An
# evaluation waits, so that its numbers do not hang on how busy the machine is.
PATIENCE_SECONDS: Final = 1.5
PATIENCE_MEASURING: Final = 60.0
# Some 15 MB of vectors.
_REMEMBERED = 20_000
NOT_COMPARED = "The sentences of the best passages were not compared with the question: {detail}"


class _Memory:
    """Vectors by embedder and words, the oldest forgotten first. A vector tells nobody more than the words do, and
    only who holds the words can ask for it."""

    def __init__(self) -> None:
        self._vectors: OrderedDict[bytes, NDArray[np.float16]] = OrderedDict()
        self._turn = threading.Lock()

    def known(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        with self._turn:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
            for key in found:
                self._vectors.move_to_end(key)
            return found

    def keep(self, vectors: dict[bytes, NDArray[np.float16]]) -> None:
        with self._turn:
            self._vectors.update(vectors)
            while len(self._vectors) > _REMEMBERED:
                self._vectors.popitem(last=False)


_memory = _Memory()


def wanted(settings: RetrievalSettings, embedder_name: str) -> bool:
    """Whether sentences are to be compared: ``auto`` asks the built-in model, and no endpoint that others pay for."""
    return settings.sentences == "always" or (settings.sentences == "auto" and embedder_name == DEFAULT_EMBEDDER)


def nearest_sentences(
    found: Reranked, vector: Vectors, engine: Embedder, *, patience: float = PATIENCE_SECONDS
) -> Reranked:
    """The best of ``found`` with the cosine of their nearest sentence, and put in order by it where the built-in
    fusion ranked them. After ``patience`` seconds they are left as they are."""
    best = found.ranked[:AMONG]
    parts = [_parts(item.candidate.text) for item in best]
    texts = [part.of(item.candidate.text) for item, listed in zip(best, parts, strict=True) for part in listed]
    try:
        vectors = _vectors(engine, texts, patience)
    except (LiaoyuanError, LateError) as error:
        detail = error.sentence("en") if isinstance(error, LiaoyuanError) else f"over {patience:.1f} s"
        return replace(found, notes=(*found.notes, NOT_COMPARED.format(detail=detail)))
    likeness = iter((vectors @ np.asarray(vector, dtype=np.float32)).tolist() if len(texts) else ())
    near = [_near(item, listed, [next(likeness) for _ in listed]) for item, listed in zip(best, parts, strict=True)]
    ranked = _ordered(near, found.ranked[AMONG:]) if found.reranker == FUSION else [*near, *found.ranked[AMONG:]]
    return replace(found, ranked=ranked)


def _parts(text: str) -> list[Sentence]:
    """The sentences to look at; none of a passage that is one, whose own vector is that sentence's."""
    found = sentences(text)
    return found[:_MOST_SENTENCES] if len(found) > 1 else []


def _near(item: Ranked, parts: Sequence[Sentence], likeness: Sequence[float]) -> Ranked:
    best = max(likeness, default=item.candidate.cosine)
    place = parts[likeness.index(best)] if parts else None
    span = (place.start, place.end) if place else None
    return replace(item, features=item.features | {LIKENESS: best}, nearest=span)


def _ordered(near: Sequence[Ranked], others: Sequence[Ranked]) -> list[Ranked]:
    """The best in a new order; the others follow as far behind as they did behind what lost most."""
    top = max((item.features[LIKENESS] for item in near), default=0.0)
    losses = [sentence_weight() * (top - item.features[LIKENESS]) for item in near]
    moved = [replace(item, score=item.score - loss) for item, loss in zip(near, losses, strict=True)]
    rest = [replace(item, score=item.score - max(losses, default=0.0)) for item in others]
    return [*sorted(moved, key=lambda item: -item.score), *rest]


def _vectors(engine: Embedder, texts: Sequence[str], patience: float) -> Vectors:
    """Shape (n, dimensions), in the order of ``texts``. Raises LiaoyuanError and TimeoutError."""
    keys = [_key(engine.name, text) for text in texts]
    known = _memory.known(keys)
    missing = {key: text[:_LONGEST] for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        known |= _pool().submit(_learn, engine, missing).result(timeout=patience)
    return np.stack([known[key] for key in keys]).astype(np.float32) if keys else np.empty((0, 0), np.float32)


def _learn(engine: Embedder, texts: dict[bytes, str]) -> dict[bytes, NDArray[np.float16]]:
    rows = engine.embed(list(texts.values()), "passage").astype(np.float16)
    found = dict(zip(texts, rows, strict=True))
    _memory.keep(found)
    return found


def _key(name: str, text: str) -> bytes:
    return hashlib.blake2b(f"{name}\n{text}".encode(errors="replace"), digest_size=16).digest()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="sentences")
