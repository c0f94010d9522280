"""What a file's turn needs and what can be worked out before it comes: the tokens of its chunks.

Counting takes as long as writing does. A file is counted as soon as it is parsed, in the parser's thread, while files
before it are embedded by somebody else; when its turn comes the counts are at hand. A wrong guess costs nothing but
itself: what was counted for other settings is counted again.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache
from uuid import UUID

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.adapters.embeddings import Embedder, embedder_for
from liaoyuan.knowledge.chunking import ChunkDraft, TokenCounter, chunk_document, token_limit
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.parse.blocks import ParsedDocument
from liaoyuan.knowledge.parse.sandbox import ParseOutcome
from liaoyuan.knowledge.settings import ChunkingSettings, settings_of

# Texts whose tokens are remembered for one engine: those of some files that wait their turn.
_AT_HAND = 8192
_ENGINES = 8
Parsed = Callable[["Future[ParseOutcome]"], None]


# By the engine's identity, which is nobody else's while it stands here.
_counters: dict[int, tuple[Embedder, TokenCounter]] = {}


def counter(engine: Embedder) -> TokenCounter:
    """The engine's count of a text's tokens, which remembers the last thousands."""
    found = _counters.get(id(engine))
    if found is None:
        if len(_counters) >= _ENGINES:
            _counters.clear()
        found = _counters[id(engine)] = engine, lru_cache(maxsize=_AT_HAND)(engine.count_tokens)
    return found[1]


def document_cut(
    name: str, parsed: ParsedDocument, chunking: ChunkingSettings, engine: Embedder
) -> tuple[str, list[ChunkDraft]]:
    """The title of a document of that name, and its chunks."""
    title = display_name(name, parsed.title)
    limit = token_limit(chunking.limit, engine.token_limit)
    return title, chunk_document(title, parsed.blocks, counter(engine), target=chunking.target, limit=limit)


def tokens_ahead(organization_id: UUID, collection_id: UUID, engine: Embedder | None, name: str) -> Parsed:
    """To be called when a file of that name is parsed: counts what its chunks will be asked for."""
    try:
        embedder, chunking = _cutting(organization_id, collection_id)
    except LiaoyuanError:
        return lambda _parsing: None

    def parsed(parsing: "Future[ParseOutcome]") -> None:
        document = None if parsing.cancelled() or parsing.exception() else parsing.result().document
        if document is None:
            return
        # What is wrong with the model, as with the collection above, is told when the file's turn comes.
        with suppress(LiaoyuanError):
            document_cut(name, document, chunking, engine or embedder_for(embedder))

    return parsed


@lru_cache(maxsize=32)
def _cutting(organization_id: UUID, collection_id: UUID) -> tuple[str, ChunkingSettings]:
    with tenant_context(organization_id):
        index = live_index(collection_id)
        return index.embedder, settings_of(index.settings).chunking
