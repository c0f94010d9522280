"""How far a passage came in a search: its rank in each leg, among the candidates, and what outweighed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from liaoyuan.knowledge.context import expand
from liaoyuan.knowledge.evaluate import Examiner
from liaoyuan.knowledge.extract import depth, extract
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.configuration import pack_of, synonyms_of
from liaoyuan.knowledge.questions.verdict.cases import Case
from liaoyuan.knowledge.rank import Ranked, stock_weights
from liaoyuan.knowledge.retrieve import Retrieval, chunks_permitted, retrieval_settings
from liaoyuan.knowledge.search import scope_here, search
from liaoyuan.knowledge.settings import RetrievalSettings

# So deep the legs are looked into for a passage that is no candidate.
_DEEP: Final = 2000
_MOST_FEATURES: Final = 4


@dataclass(frozen=True, slots=True)
class Search:
    """One retrieval of a case, with its vector, and how far down an answer to it reads.

    ``depth`` counts the best chunks that the answer may quote. ``chunks_read`` are those that it was made from: what it
    quotes, and for a model that writes what it reads around them, as much as the settings in force allow.
    """

    found: Retrieval
    examiner: Examiner
    day: date
    vector: "object"
    depth: int
    chunks_read: frozenset[str]

    def rank_of(self, chunk_ids: Sequence[str]) -> int | None:
        """The best place of one of these chunks among the candidates, from 1."""
        wanted = set(chunk_ids)
        return next(
            (place for place, item in enumerate(self.found.ranked, start=1) if item.candidate.chunk_id in wanted), None
        )

    def item(self, rank: int) -> Ranked:
        return self.found.ranked[rank - 1]


def searched(case: Case, day: date) -> Search:
    """Search for a case as it was asked, inside the caller's rights."""
    examiner = Examiner(
        case.collection_id,
        day=day,
        synonyms=synonyms_of(case.pack or pack_of(case.collection_id)),
        index_id=case.index_id,
        settings=case.settings,
    )
    vectors, _seconds = examiner.embed([case.question])
    found = examiner.retrieve(case.question, vectors[0])
    best = depth(found.question, found.ranked)
    read = {item.candidate.chunk_id for item in found.ranked[:best]}
    return Search(found, examiner, day, vectors[0], best, frozenset(read | _around(case, found, day)))


def _around(case: Case, found: Retrieval, day: date) -> set[str]:
    """What a writing model reads around the quotes; nothing in an extractive answer."""
    if case.mode != "generative":
        return set()
    budget = (case.settings or retrieval_settings(case.collection_id)).context
    cited = dict.fromkeys(quote.chunk_id for quote in extract(found.question, found.ranked, found.statistics))
    rows = chunks_permitted(case.collection_id, list(cited), day, found.index_id)
    wider = expand(list(rows.values()), budget // max(1, len(rows)))
    return {key for parent in wider.values() for key in parent.chunk_ids}


@dataclass(frozen=True, slots=True)
class Legs:
    """The ranks of a passage in each leg alone (None: beyond ``depth``) and how many candidates a leg gives."""

    vector: int | None
    lexical: int | None
    candidates: int
    depth: int


def legs_of(search_: Search, case: Case, chunk: Chunk) -> Legs:
    """Where the passage stands in each leg when one looks far beyond the candidates."""
    scope = scope_here(case.collection_id, search_.day, case.index_id)
    rows, statistics = search(scope, search_.found.question, search_.vector, k=_DEEP)  # type: ignore[arg-type]
    key = str(chunk.id)
    by_vector = [row.chunk_id for row in sorted(rows, key=lambda row: -row.cosine)][:_DEEP]
    by_words = [row.chunk_id for row in sorted(rows, key=lambda row: -row.lexical) if row.lexical > 0][:_DEEP]
    return Legs(_place(by_vector, key), _place(by_words, key), len(search_.found.ranked), min(_DEEP, statistics.chunks))


def _place(keys: Sequence[str], key: str) -> int | None:
    return keys.index(key) + 1 if key in keys else None


@dataclass(frozen=True, slots=True)
class Weighed:
    """One feature by which another chunk won: both values and what the difference counted in the score."""

    feature: str
    winner: float
    passage: float
    weight: float


def outweighed(winner: Ranked, passage: Ranked, settings: RetrievalSettings) -> list[Weighed]:
    """The features that put ``winner`` above ``passage``, the weightiest first, by the weights in force."""
    weights = settings.learned or stock_weights()
    found = [
        Weighed(
            name,
            round(winner.features[name], 3),
            round(passage.features.get(name, 0.0), 3),
            round(weights.get(name, 0.0) * (winner.features[name] - passage.features.get(name, 0.0)), 3),
        )
        for name in winner.features
    ]
    ahead = sorted((item for item in found if item.weight > 0), key=lambda item: -item.weight)
    return ahead[:_MOST_FEATURES]
