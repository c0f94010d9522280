"""An import counts tokens early, when a file is parsed, and builds the graph late, when its last file is in."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.chunking import chunk_document
from liaoyuan.knowledge.models import Collection, SearchIndex
from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.services import documents_import
from liaoyuan.knowledge.services.ahead import counter, tokens_ahead

ARTICLES = [Block(BlockType.PARAGRAPH, f"第{number}条 危险废物贮存不得超过{number}天。") for number in "一二三四"]


class Counting:
    """A model's tokenizer that remembers what it was asked."""

    name, dimensions, token_limit = "counting", 384, 512

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def count_tokens(self, text: str) -> int:
        self.asked[text] += 1
        return len(text)


@pytest.fixture
def collection(organization: Any) -> Collection:
    with tenant_context(organization.id):
        return Collection.objects.create(organization_id=organization.id, name="先数")


def test_each_text_is_counted_once_and_before_its_turn(collection: Collection) -> None:
    reader = Counting()
    engine = cast("Embedder", reader)
    document = ParsedDocument(media_type="text/markdown", blocks=ARTICLES, title="贮存制度")
    parsing: Future[ParseOutcome] = Future()
    parsing.set_result(ParseOutcome("a.md", "ready", document=document))
    tokens_ahead(collection.organization_id, collection.id, engine, "a.md")(parsing)
    asked = dict(reader.asked)
    assert {block.text for block in ARTICLES} <= set(asked)
    drafts = chunk_document("贮存制度", document.blocks, counter(engine))
    assert [draft.text for draft in drafts] == [block.text for block in ARTICLES]
    assert set(asked.values()) == {1}
    assert dict(reader.asked) == asked


def test_a_file_that_cannot_be_read_and_a_model_that_is_down_are_left_to_their_turn(collection: Collection) -> None:
    reader = Counting()
    died: Future[ParseOutcome] = Future()
    died.set_exception(RuntimeError("the parser died"))
    refused: Future[ParseOutcome] = Future()
    refused.set_result(ParseOutcome("a.md", "rejected"))
    dropped: Future[ParseOutcome] = Future()
    dropped.cancel()
    ahead = tokens_ahead(collection.organization_id, collection.id, cast("Embedder", reader), "a.md")
    for parsing in (died, refused, dropped):
        ahead(parsing)
    assert not reader.asked


def test_where_the_collection_is_gone_nothing_is_counted(organization: Any) -> None:
    parsing: Future[ParseOutcome] = Future()
    tokens_ahead(organization.id, organization.id, None, "a.md")(parsing)
    assert not parsing.done()


class Anywhere(Counting):
    """A model that puts every text somewhere on the unit sphere."""

    def embed(self, texts: Sequence[str], role: str) -> NDArray[np.float32]:
        del role
        found = np.random.default_rng(len(texts)).normal(size=(len(texts), self.dimensions))
        unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        return unit


@pytest.mark.parametrize("last", ["第一条 甲。", "%PDF-1.4 no document at all"], ids=["read", "refused"])
def test_an_import_builds_the_graph_once_at_its_end(organization: Any, tmp_path: Path, last: str) -> None:
    """And not whenever a quarter has joined; what stands outside is found meanwhile."""
    for name in ("a.md", "b.md", "c.md"):
        articles = "\n\n".join(f"第{number}条 {name}规定{number}。" for number in range(1, 220))
        (tmp_path / name).write_text(f"# {name}\n\n{articles}\n", encoding="utf-8")
    (tmp_path / ("d.pdf" if last.startswith("%PDF") else "d.md")).write_text(last, encoding="utf-8")
    graphs: list[int] = []

    def graph_rows(*_: Any) -> None:
        with tenant_context(organization.id):
            graphs.append(SearchIndex.objects.get().graph_rows)

    engine = cast("Embedder", Anywhere())
    done = documents_import(
        organization_id=organization.id, collection="图", paths=[tmp_path], engine=engine, report=graph_rows
    )
    chunks = sum(outcome.chunks for outcome in done)
    assert chunks > 600
    assert graphs == [0, 0, 0, chunks]
