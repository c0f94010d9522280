"""A file's tokens are counted as soon as it is parsed, so that its turn does not wait for them."""

from collections import Counter
from concurrent.futures import Future
from typing import Any, cast

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import Embedder
from liaoyuan.knowledge.chunking import chunk_document
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.parse.blocks import Block, BlockType, ParsedDocument
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
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
