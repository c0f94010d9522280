"""What is learned from: pools of passages with their vectors, and questions that know their places among them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Only scored, never learned from: the halves _b, and what was written to be new.
HELD = re.compile(r"^(?:held_.*_b|kind_.*_b|fresh_.*|test_.*)$")


@dataclass(frozen=True)
class Asked:
    """One question. ``places``: for each thing that is asked, the passages that say it; ``documents``: those must not
    stand on both sides of a fold."""

    text: str
    source: str
    places: tuple[tuple[int, ...], ...]
    documents: frozenset[str]

    @property
    def teaches(self) -> bool:
        return bool(self.places) and not HELD.match(self.source)


@dataclass(frozen=True)
class Pool:
    """Passages that compete: ``vectors`` (passages, 384), rows of length 1, as the index holds them."""

    name: str
    vectors: Tensor
    asked: tuple[Asked, ...]


def pool_of_collection(organization: str, name: str, files: Sequence[Path]) -> Pool:
    """An indexed collection and question sets as ``knowledge evaluate`` reads them."""
    from liaoyuan.accounts.selectors import organization_by_name
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.evaluate import is_place, questions_read
    from liaoyuan.knowledge.models import Chunk
    from liaoyuan.knowledge.selectors import collection_by_name

    with tenant_context(organization_by_name(organization).id):
        found = Chunk.objects.filter(collection_id=collection_by_name(name).id, enabled=True)
        chunks = list(found.select_related("version__document"))
        asked = []
        for path in files:
            for item in questions_read(path):
                hits = (tuple(i for i, chunk in enumerate(chunks) if is_place(place, chunk)) for place in item.places)
                places = tuple(hit for hit in hits if hit) if item.answerable else ()
                documents = frozenset(str(chunks[hit[0]].version.document_id) for hit in places)
                asked.append(Asked(item.question, path.stem, places, documents))
    vectors = np.array([np.asarray(chunk.embedding, np.float32) for chunk in chunks])
    return Pool(name, torch.from_numpy(vectors), tuple(asked))


def pool_of_passages(name: str, passages: Path, questions: Path) -> Pool:
    """Lines {id, title, heading?, text} that no collection holds, and lines {question, evidence: [id]} about them."""
    from liaoyuan.deployment.serving.e5 import Kind, engine_choose

    rows = list(_lines(passages))
    at = {row["id"]: index for index, row in enumerate(rows)}
    engine = engine_choose()
    texts = [f"{row.get('title', '')} {row.get('heading', '')}".strip() + f"\n{row['text']}" for row in rows]
    vectors = engine.encode([engine.read(text, Kind.PASSAGE) for text in texts])
    asked = [_asked(item, at, rows, name, questions.stem) for item in _lines(questions)]
    return Pool(name, torch.from_numpy(vectors), tuple(asked))


def _asked(item: Mapping[str, Any], at: Mapping[str, int], rows: Sequence[Any], name: str, source: str) -> Asked:
    evidence = item.get("evidence") or []
    places = tuple((at[key],) for key in ([evidence] if isinstance(evidence, str) else evidence))
    documents = frozenset(f"{name} {rows[hit[0]].get('title') or rows[hit[0]]['id']}" for hit in places)
    return Asked(item["question"], source, places, documents)


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())
