"""The platform under the load: its own services write and search as the application role, under row-level security."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np

from benchmarks.knowledge.corpus import SHARES, Corpus, Vectors

if TYPE_CHECKING:
    from liaoyuan.knowledge.chunking import ChunkDraft


@dataclass(frozen=True)
class Filled:
    """Where the chunks lie, by their number in the corpus, and what writing them took."""

    organization_id: UUID
    collection_id: UUID
    numbers: dict[str, int]
    ingest: dict[str, float]


def fill(corpus: Corpus) -> Filled:
    """An organization of its own with all of ``corpus``, a document at a time, each in its own transaction."""
    from django.db import connections

    from liaoyuan.accounts.services import organization_create
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.indexes import graph_ensure, live_index
    from liaoyuan.knowledge.models import Collection
    from liaoyuan.knowledge.services.indexing import found_by
    from liaoyuan.knowledge.text.segment import terms_ahead

    organization, _ = organization_create(name=f"bench-{uuid4().hex[:8]}")
    with tenant_context(organization.id):
        collection = Collection.objects.create(organization_id=organization.id, name="bench")
        index = live_index(collection.id)
    numbers: dict[str, int] = {}
    # The dictionary of the word cutter is read once a process, not once a document.
    _terms("预热")
    used, began = _cpu(), time.perf_counter()
    for start in range(0, len(corpus.texts), corpus.per_document):
        # An import cuts a document's words beside its embedding; here that is given, and the words of the next document
        # are cut beside the writing of this one. All of it is on the clock.
        with terms_ahead(found_by("", draft) for draft in _drafts(corpus, start + corpus.per_document)):
            numbers |= _document(organization.id, collection.id, corpus, start)
    seconds = time.perf_counter() - began
    used, began = _cpu() - used, time.perf_counter()
    with tenant_context(organization.id):
        graph = graph_ensure(index.id)
    built = time.perf_counter() - began if graph else 0.0
    # What autovacuum does a minute later in an installation.
    with connections["owner"].cursor() as cursor:
        for table in ("chunk", "vector", "words", "searchentry"):
            cursor.execute(f"VACUUM ANALYZE knowledge_{table}")
    rows = len(corpus.texts)
    ingest = {"rows": rows, "seconds": seconds + built, "rows_per_second": rows / (seconds + built)}
    ingest |= {"cpu_ms": 1000 * used / rows}
    return Filled(organization.id, collection.id, numbers, {**ingest, "index_seconds": built})


def _terms(text: str) -> None:
    from liaoyuan.knowledge.text.segment import index_terms

    index_terms(text)


def _drafts(corpus: Corpus, start: int) -> "list[ChunkDraft]":
    from liaoyuan.knowledge.chunking import ChunkDraft

    texts = corpus.texts[start : start + corpus.per_document]
    return [ChunkDraft("section", text, (), "", None, None, (), id=uuid4()) for text in texts]


def _document(organization_id: UUID, collection_id: UUID, corpus: Corpus, start: int) -> dict[str, int]:
    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.models import Document, DocumentVersion, VersionState
    from liaoyuan.knowledge.services.indexing import chunks_write

    drafts = _drafts(corpus, start)
    with tenant_context(organization_id):
        own: dict[str, Any] = {"organization_id": organization_id}
        document = Document.objects.create(**own, collection_id=collection_id, name=f"{start}.md")
        version = DocumentVersion.objects.create(
            **own,
            document=document,
            number=1,
            file_name=document.name,
            sha256="",
            size=0,
            source_key="",
            state=VersionState.IN_FORCE,
            groups=[corpus.audience(start)],
        )
        chunks_write(version, "", drafts, list(corpus.vectors[start : start + len(drafts)]))
    return {str(draft.id): number for number, draft in enumerate(drafts, start)}


# As many at once as a small server has threads for; each asks so many rounds of all questions.
AT_ONCE, ROUNDS = 4, 3
_Answers = list[tuple[int, float, list[str]]]


def ask(filled: Filled, share: str, questions: Sequence[str], vectors: Vectors, k: int) -> dict[str, Any]:
    """Four ways in: the vector leg, the same from several threads at once, the same in a tenant context of its own, the
    whole hybrid search and ranking."""
    from django.utils import timezone

    from liaoyuan.accounts.tenancy import tenant_context
    from liaoyuan.knowledge.retrieve import retrieve
    from liaoyuan.knowledge.search import nearest, scope_here

    groups = SHARES[share]
    day = timezone.localdate()

    def leg(number: int) -> list[str]:
        scope = scope_here(filled.collection_id, day)
        return [item.chunk_id for item in nearest(scope, vectors[number], k=k)]

    def alone(number: int) -> list[str]:
        with tenant_context(filled.organization_id, groups=groups):
            return leg(number)

    def whole(number: int) -> list[str]:
        found = retrieve(filled.collection_id, questions[number], engine=_Given(vectors[number]))
        return [item.candidate.chunk_id for item in found.ranked[:k]]

    with tenant_context(filled.organization_id, groups=groups):
        result = {"vector": _timed(filled, leg, len(questions)), "hybrid": _timed(filled, whole, len(questions))}

    def together(mine: range, warm: Barrier) -> _Answers:
        from django.db import connections

        try:
            with tenant_context(filled.organization_id, groups=groups):
                for number in mine:
                    leg(number)
                warm.wait()
                return [_clocked(leg, number) for _ in range(ROUNDS) for number in mine]
        finally:
            connections.close_all()

    result |= {f"vector, {AT_ONCE} at once": _at_once(filled, together, len(questions))}
    return result | {"vector, own context": _timed(filled, alone, len(questions))}


def _clocked(find: Callable[[int], list[str]], number: int) -> tuple[int, float, list[str]]:
    began = time.perf_counter()
    found = find(number)
    return number, time.perf_counter() - began, found


def _at_once(filled: Filled, share: Callable[[range, Barrier], _Answers], count: int) -> dict[str, Any]:
    """Each thread asks its share of the questions, over a connection of its own; the clock starts when all are warm."""
    warm = Barrier(AT_ONCE + 1)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        waiting = [threads.submit(share, range(first, count, AT_ONCE), warm) for first in range(AT_ONCE)]
        warm.wait()
        began = time.perf_counter()
        asked = [each for thread in waiting for each in thread.result()]
        wall = time.perf_counter() - began
    hits = {number: [filled.numbers[each] for each in found] for number, _, found in asked}
    return {"seconds": [took for _, took, _ in asked], "hits": [hits[i] for i in range(count)], "wall": wall}


class _Given:
    """The question's vector, embedded beforehand, for its parts and for sentences too: their search counts, their
    embedding does not."""

    name = "given"

    def __init__(self, vector: Vectors) -> None:
        self._vector = vector

    def embed(self, texts: Sequence[str], _role: str) -> Vectors:
        return np.tile(self._vector, (len(texts), 1))


def _timed(filled: Filled, find: Callable[[int], list[str]], count: int) -> dict[str, Any]:
    # Once before, as the other store is asked: what is timed is a server at work, not one that reads its first pages.
    for number in range(count):
        find(number)
    seconds, hits = [], []
    used = _cpu()
    for number in range(count):
        began = time.perf_counter()
        found = find(number)
        seconds.append(time.perf_counter() - began)
        hits.append([filled.numbers[each] for each in found])
    return {"seconds": seconds, "hits": hits, "cpu": (_cpu() - used) / count}


def _cpu() -> float:
    """CPU seconds of this process and of its connection's process in the server."""
    from django.db import connections

    pid = connections["default"].connection.info.backend_pid
    return time.process_time() + int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def plain(filled: Filled, share: str, vectors: Vectors, k: int) -> dict[str, Any]:
    """The exact scan that everybody can write: all visible rows of the wide table, sorted by distance."""
    from django.db import connections

    from liaoyuan.accounts.tenancy import tenant_context

    statement = (
        "SELECT id, title, text FROM knowledge_chunk WHERE collection_id = %s AND groups && %s::varchar[] "
        "ORDER BY embedding <=> %s::halfvec LIMIT %s"
    )

    def scan(number: int) -> list[str]:
        with connections["default"].cursor() as cursor:
            vector = str(vectors[number].tolist())
            cursor.execute(statement, [filled.collection_id, list(SHARES[share]), vector, k])
            return [str(row[0]) for row in cursor.fetchall()]

    with tenant_context(filled.organization_id, groups=SHARES[share]):
        return _timed(filled, scan, len(vectors))
