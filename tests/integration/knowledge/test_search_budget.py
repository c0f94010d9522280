"""The postings that one question may weigh, at real size: what is left out changes neither scores nor the first ten."""

import random
from typing import Any

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.chunking import ChunkDraft
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Collection, Document, DocumentVersion
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.search import CANDIDATES, Scope, scope_here, search
from liaoyuan.knowledge.services.indexing import chunks_write
from tests.integration.knowledge.test_search_index import points

pytestmark = pytest.mark.slow
FILES, CHUNKS = 50, 100
SYLLABLES = [first + vowel for first in "bdfgklmnprtvz" for vowel in "aeiou"]
QUESTIONS = 40
FIRST = 10


def word(number: int) -> str:
    """A made-up word that no stemmer shortens: "bada", "bade" …"""
    return SYLLABLES[number // len(SYLLABLES) % len(SYLLABLES)] + SYLLABLES[number % len(SYLLABLES)] + "k"


COMMON = [word(number) for number in range(24)]
RARE = [word(number) for number in range(100, 2100)]


def sentence(chance: random.Random) -> str:
    """Words as a trade uses them: most of two dozen stand in every passage, the others here and there."""
    common = [each for each in COMMON if chance.random() < 0.85]
    rare = chance.choices(RARE, weights=[1 / (rank + 5) for rank in range(len(RARE))], k=chance.randint(10, 60))
    words = common + rare
    chance.shuffle(words)
    return " ".join(words)


@pytest.fixture
def scope(organization: Any) -> Any:
    """5,000 passages in which two dozen words have 100,000 postings."""
    chance = random.Random(11)
    with tenant_context(organization.id):
        own = {"organization_id": organization.id}
        collection = Collection.objects.create(**own, name="架")
        index = live_index(collection.id)
        for number in range(FILES):
            document = Document.objects.create(**own, collection=collection, name=f"{number}.md")
            version = DocumentVersion.objects.create(
                **own, document=document, number=1, file_name=document.name, sha256="", size=0, source_key="",
                state="in_force", groups=[],
            )  # fmt: skip
            drafts = [ChunkDraft("section", sentence(chance), (), "", None, None, ()) for _ in range(CHUNKS)]
            chunks_write(version, document.name, drafts, list(points(CHUNKS)), index=index)
        yield scope_here(collection.id, version.created_at.date())


def ranked(scope: Scope, question: str) -> list[tuple[str, float]]:
    """What the words find, best first; equal scores by their id."""
    found, _ = search(scope, analyse(question), points(1)[0], k=CANDIDATES)
    scores = [(item.chunk_id, round(item.lexical, 9)) for item in found if item.lexical > 0]
    return sorted(scores, key=lambda each: (-each[1], each[0]))


def test_a_question_of_common_words_is_ranked_as_if_all_were_weighed(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(5)
    # The common words alone have more postings than may be weighed; some questions name something rare as well.
    asked = [" ".join(chance.sample(COMMON, 20) + chance.sample(RARE[:400], number % 4)) for number in range(QUESTIONS)]
    capped = [ranked(scope, question) for question in asked]
    monkeypatch.setattr("liaoyuan.knowledge.search._BUDGET", 10**9)
    whole = [ranked(scope, question) for question in asked]
    assert capped != whole, "nothing was left out: the budget is not tested"
    shared = 0
    for few, all_of_them in zip(capped, whole, strict=True):
        known = dict(all_of_them)
        assert all(score == known[chunk_id] for chunk_id, score in few if chunk_id in known)
        shared += len({chunk_id for chunk_id, _ in few[:FIRST]} & {chunk_id for chunk_id, _ in all_of_them[:FIRST]})
    assert shared >= 0.95 * QUESTIONS * FIRST, f"{shared} of {QUESTIONS * FIRST}"
