"""The smallest tenant beside a big one: a filtered nearest-neighbour search must not come back half empty."""

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.indexes import graph_ensure, live_index
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.search import scope_here, search
from liaoyuan.knowledge.services.indexing import chunks_write

BIG, SMALL, QUERIES, K = 4000, 200, 20, 10


def fill(organization: Any, count: int, centres: Any, random: Any) -> UUID:
    """``count`` chunks around shared centres, as documents of one trade lie in the embedding space."""
    points = centres[random.integers(0, len(centres), count)] + random.normal(0, 0.05, (count, 384))
    vectors = [point / np.linalg.norm(point) for point in points.astype(np.float32)]
    drafts = [ChunkDraft("section", f"片段 {number}", (), "", None, None, ()) for number in range(count)]
    with tenant_context(organization.id):
        common = {"organization_id": organization.id}
        collection = Collection.objects.create(**common, name="大")
        document = Document.objects.create(**common, collection=collection, name="文")
        version = DocumentVersion.objects.create(
            **common, document=document, number=1, file_name="文", sha256="", size=0, source_key="", state="in_force"
        )
        chunks_write(version, "文", drafts, vectors)
        assert graph_ensure(live_index(collection.id).id, more_than=100)
    return collection.id


@pytest.mark.slow
def test_recall_of_the_smallest_tenant_is_that_of_an_exact_scan(organization: Any, other_organization: Any) -> None:
    random = np.random.default_rng(7)
    centres = random.normal(0, 1, (40, 384)) / np.sqrt(384)
    fill(other_organization, BIG, centres, random)
    collection_id = fill(organization, SMALL, centres, random)
    question = analyse("无关词汇")
    found = 0
    for _ in range(QUERIES):
        query = (centres[random.integers(0, len(centres))] + random.normal(0, 0.05, 384)).astype(np.float32)
        with tenant_context(organization.id):
            scope = scope_here(collection_id, timezone.localdate())
            exact, _ = search(scope, question, query, k=K)
            indexed, _ = search(scope, question, query, k=K, exact_rows=1)
        assert len(exact) == K
        found += len({item.chunk_id for item in exact} & {item.chunk_id for item in indexed})
    assert found / (QUERIES * K) >= 0.98
