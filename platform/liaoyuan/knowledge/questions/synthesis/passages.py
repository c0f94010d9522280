"""What questions are made from: the chunks in force, and what a rule proposes about one of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.services import anchor_of, place_of
from liaoyuan.knowledge.selectors import versions_in_force
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze


@dataclass(frozen=True, slots=True)
class Passage:
    """One chunk as a source of questions. ``document`` is what a reader calls its document."""

    chunk_id: UUID
    document_id: UUID
    document: str
    text: str
    kind: str = "section"
    heading_path: tuple[str, ...] = ()
    locator: str = ""
    place: str = ""
    anchor: dict[str, str] = field(default_factory=dict)

    @property
    def chinese(self) -> bool:
        return is_chinese(self.text)

    @property
    def heading(self) -> str:
        """The innermost heading, or the document's own name."""
        return self.heading_path[-1] if self.heading_path else self.document


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question about a passage. ``literals`` stand word for word in the passage; ``quote`` is their sentence."""

    passage: Passage
    question: str
    literals: tuple[str, ...]
    type: str
    quote: str = ""
    answerable: bool = True
    by: str = "rules"
    # How sure the rule is of its grammar: the surer ones are proposed first.
    weight: float = 1.0
    # The labels (row, column, heading, thing) that the question is built from, where it is.
    named: tuple[str, ...] = ()
    # The passage itself holds another answer to the same words.
    ambiguous: bool = False
    # What was asked, where many things are asked for the same.
    form: str = ""

    @property
    def holds(self) -> bool:
        """Whether every literal stands in the passage: what does not is never proposed."""
        text = squeeze(self.passage.text)
        return bool(self.literals) and all(squeeze(literal) in text for literal in self.literals)


def passages_of(collection_id: UUID) -> Iterator[Passage]:
    """The enabled chunks of the live index that are in force today, document by document, in reading order."""
    chunks = (
        Chunk.objects.select_related("version__document")
        .defer("embedding", "terms")
        .filter(index=live_index(collection_id), enabled=True, version__in=versions_in_force(collection_id))
        .order_by("version__document__name", "ordinal", "id")
    )
    for chunk in chunks.iterator(chunk_size=500):
        yield passage_of(chunk)


def passage_of(chunk: Chunk) -> Passage:
    """A stored chunk as a passage."""
    return Passage(
        chunk_id=chunk.id,
        document_id=chunk.version.document_id,
        document=display_name(chunk.version.document.name, chunk.title),
        text=chunk.text,
        kind=chunk.kind,
        heading_path=tuple(chunk.heading_path),
        locator=chunk.locator,
        place=place_of(chunk),
        anchor=anchor_of(chunk),
    )
