"""Real text with real vectors, in any number: passages embedded once, and chunks that each join two of them.

Embedding 100,000 chunks takes hours on two cores, so a chunk's vector is put together as its text is: the mean of the
two passages' vectors by their share of the characters, brought to length one. Neighbourhoods stay those of the
embedding model; nothing is drawn at random but which two passages meet.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
_LONGEST = 600
_OPENING = 40
# Documents of a hundredth, a tenth and the rest: who is in the groups of a share reads what is below it too.
SHARES: dict[str, tuple[str, ...]] = {"1%": ("one",), "10%": ("one", "ten"), "100%": ("one", "ten", "rest")}

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Corpus:
    """``vectors`` (n, 384) of unit length; chunk ``i`` belongs to document ``i // per_document``."""

    texts: Sequence[str]
    vectors: Vectors
    per_document: int

    def audience(self, number: int) -> str:
        """The group that may read chunk ``number``: rights are a document's."""
        document = number // self.per_document
        return "one" if document % 100 == 0 else "ten" if document % 10 == 0 else "rest"

    def visible(self, share: str) -> NDArray[np.int64]:
        groups = SHARES[share]
        return np.asarray([i for i in range(len(self.texts)) if self.audience(i) in groups])


def available() -> bool:
    """Whether the shared data lie beside the repository."""
    return (DATA / "cn_laws").is_dir()


def passages() -> list[str]:
    """Articles of laws and regulations."""
    lines = [line for file in sorted((DATA / "cn_laws").glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    return [json.loads(line).get("text", "")[:_LONGEST] for line in lines]


def questions(count: int) -> list[str]:
    """Questions that people asked of these laws, and as many openings of articles as it takes: no question twice."""
    files = sorted((DATA / "cn_law_qa_sample").glob("*.jsonl"))
    asked = [json.loads(line)["question"] for file in files for line in file.open(encoding="utf-8")]
    every = passages()
    openings = (text.split("。")[0][:_OPENING] for text in every[:: max(1, len(every) // (2 * count))])
    return list(dict.fromkeys([*asked, *filter(None, openings)]))[:count]


def embedded(texts: Sequence[str], role: str, cache: Path, engine: Any = None) -> Vectors:
    """The texts' vectors, from ``cache`` where they were embedded before."""
    digest = hashlib.sha256("\x00".join([role, *texts]).encode()).hexdigest()[:16]
    file = cache / f"{role}-{digest}.npy"
    if not file.exists():
        from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder

        print(f"embedding {len(texts):,} texts once (kept in {file})…", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        found = (engine or ProcessEmbedder()).embed(list(texts), role)
        np.save(file, np.asarray(found, dtype=np.float32))
    vectors: Vectors = np.load(file)
    return vectors


def corpus(count: int, base: Sequence[str], vectors: Vectors, seed: int = 1) -> Corpus:
    """``count`` chunks, each of two passages of ``base``."""
    random = np.random.default_rng(seed)
    pairs = random.integers(0, len(base), (count, 2))
    texts = [f"{base[one]}\n{base[other]}" for one, other in pairs]
    lengths = np.asarray([len(text) + 1 for text in base], dtype=np.float32)[pairs]
    weights = lengths / lengths.sum(axis=1, keepdims=True)
    mixed = vectors[pairs[:, 0]] * weights[:, :1] + vectors[pairs[:, 1]] * weights[:, 1:]
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    return Corpus(texts, mixed.astype(np.float32), per_document=10 if count < 10_000 else 50)


def nearest(vectors: Vectors, asked: Vectors, visible: NDArray[np.int64], k: int) -> list[set[int]]:
    """The truth: the ``k`` visible chunks of the highest cosine for each question."""
    scores = asked @ vectors[visible].T
    best = np.argsort(-scores, axis=1)[:, :k]
    return [set(visible[row].tolist()) for row in best]
