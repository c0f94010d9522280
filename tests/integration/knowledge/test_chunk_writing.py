"""A version's chunks reach their rows whole, whatever their words are made of, and nobody else's row can be named."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import IntegrityError, connections, transaction

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.anchors import content_anchor
from liaoyuan.knowledge.chunking import ChunkDraft, Span
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk, Collection, Document, DocumentVersion
from liaoyuan.knowledge.services.indexing import chunks_write
from liaoyuan.knowledge.text.segment import index_terms

VECTOR = np.eye(384, dtype=np.float32)
HEADINGS = ('第一章 "引号"', "反斜杠 \\ 与逗号,", "{括号}", "NULL", "")


def a_version(collection: Collection) -> DocumentVersion:
    own: dict[str, Any] = {"organization_id": collection.organization_id}
    document = Document.objects.create(**own, collection=collection, name=uuid4().hex)
    return DocumentVersion.objects.create(
        **own, document=document, number=1, file_name="a.md", sha256="", size=0, source_key="", state="in_force"
    )


@pytest.fixture
def version(organization: Any) -> Iterator[DocumentVersion]:
    with tenant_context(organization.id):
        yield a_version(Collection.objects.create(organization_id=organization.id, name="写入"))


def test_every_column_comes_back_as_it_was_given(version: DocumentVersion) -> None:
    patch, chunk = uuid4(), uuid4()
    given = ChunkDraft(
        "table", "危废\t“贮存”\\N{}\x00 90天 it's ${x} 𠮷", HEADINGS, "第十条", 3, (0.1, 2.5, 1e-7, 400.0),
        (Span(0, 4, 7, 2), Span(4, 9, 8, 0)), origin="edited", enabled=False, id=chunk, ordinal=5, sub_ordinal=2,
        patch_id=patch,
    )  # fmt: skip
    plain = ChunkDraft("section", "", (), "", None, None, ())
    chunks_write(version, "标题", [given, plain], [VECTOR[0], VECTOR[1]])
    first, second = Chunk.objects.order_by("enabled")
    assert (first.id, first.ordinal, first.sub_ordinal, first.patch_id) == (chunk, 5, 2, patch)
    assert (first.kind, first.origin, first.enabled, first.page) == ("table", "edited", False, 3)
    assert (first.title, tuple(first.heading_path), first.locator) == ("标题", HEADINGS, "第十条")
    assert first.text == given.text.replace("\x00", " ")
    assert (tuple(first.box or ()), first.spans) == (given.box, [[0, 4, 7, 2], [4, 9, 8, 0]])
    assert first.anchor == content_anchor(given.text, HEADINGS)
    assert first.embedding == VECTOR[0].tolist()
    assert (second.ordinal, second.heading_path, second.box, second.page, second.spans) == (1, [], None, None, [])
    words = index_terms(f"标题 {' '.join(HEADINGS)} {given.text}")
    assert first.term_count == len(words)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(terms) FROM knowledge_chunk WHERE id = %s", [chunk])
        assert set(cursor.fetchone()[0]) == set(words)


def places_of(organization: Any) -> dict[str, UUID]:
    """A collection of its own, with a generation and a version: what a chunk names."""
    with tenant_context(organization.id):
        collection = Collection.objects.create(organization_id=organization.id, name="写入")
        version, index = a_version(collection), live_index(collection.id)
        return {"collection_id": collection.id, "index_id": index.id, "version_id": version.id}


@pytest.mark.parametrize("name", ["collection_id", "index_id", "version_id"])
def test_no_chunk_hangs_on_another_tenants_row(organization: Any, other_organization: Any, name: str) -> None:
    """A foreign key is checked past row-level security: only one that names the organization refuses."""
    theirs, mine = places_of(organization), places_of(other_organization)
    rest = {"kind": "section", "title": "", "text": "甲", "term_count": 1, "terms": "", "embedding": VECTOR[0]}
    with tenant_context(other_organization.id):
        for places in (mine | {name: theirs[name]}, mine | {name: uuid4()}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Chunk.objects.create(organization_id=other_organization.id, ordinal=0, **rest, **places)
                connections["default"].check_constraints()
        Chunk.objects.create(organization_id=other_organization.id, ordinal=0, **rest, **mine)
        connections["default"].check_constraints()


def test_chunks_go_with_what_they_hang_on(version: DocumentVersion) -> None:
    """By the database itself, whoever deletes the row."""
    chunks_write(version, "", [ChunkDraft("section", "甲", (), "", None, None, ())], [VECTOR[0]])
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM knowledge_documentversion WHERE id = %s", [version.id])
    connections["default"].check_constraints()
    assert not Chunk.objects.exists()
