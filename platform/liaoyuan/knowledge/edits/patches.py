"""A person's change as data: which parsed chunks it replaces by which, and how it is carried onto another cut.

A patch outlives what it was made on: it is found again by the words of its originals, and where the document changed
beside it, both changes are merged. What cannot be carried honestly is given back with its reason, never guessed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from liaoyuan.knowledge.anchors import NEARLY, Places, Run, similarity
from liaoyuan.knowledge.chunking import ChunkDraft, Span
from liaoyuan.knowledge.edits.literal import literal_spans
from liaoyuan.knowledge.edits.threeway import merge
from liaoyuan.knowledge.text.facts import dates, negations, quantities
from liaoyuan.knowledge.text.normalise import squeeze

# Parts the pieces of a split while texts are merged; the services let no such sign into a text.
MARK = "\x1e"
ADDED = "added"


class Lost(StrEnum):
    """Why an edit could not be carried."""

    GONE = "gone"
    CONFLICT = "conflict"
    FACTS = "facts"
    CUT = "cut"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Patch:
    """``originals`` (as parsed, neighbours) are replaced by ``results``. At least one original, at least one result."""

    id: UUID
    originals: tuple[ChunkDraft, ...]
    results: tuple[ChunkDraft, ...]

    @property
    def trivial(self) -> bool:
        """Whether it changes nothing: the originals stand as they were."""
        return [draft.text for draft in self.originals] == [draft.text for draft in self.results] and all(
            draft.enabled for draft in self.results
        )


@dataclass(slots=True)
class Carried:
    """All chunks of a document with the edits in place; ``kept`` pairs an old patch with its new form."""

    drafts: list[ChunkDraft]
    kept: list[tuple[Patch, Patch]] = field(default_factory=list)
    lost: list[tuple[Patch, Lost]] = field(default_factory=list)


def carry(
    patches: Sequence[Patch],
    drafts: Sequence[ChunkDraft],
    *,
    fits: Callable[[ChunkDraft], bool] = lambda _draft: True,
) -> Carried:
    """Put ``patches`` onto newly parsed ``drafts``. ``fits`` says whether the embedder can read a text whole."""
    numbered = [replace(draft, ordinal=number, sub_ordinal=0) for number, draft in enumerate(drafts)]
    places, taken = Places(numbered), dict[int, Patch]()
    found = Carried([])
    for patch in patches:
        run = places.find(patch.originals)
        made = _moved(patch, numbered[run.first : run.last], run) if run else Lost.GONE
        if run and any(number in taken for number in range(run.first, run.last)):
            made = Lost.CUT
        if isinstance(made, Patch) and not all(fits(draft) for draft in made.results):
            made = Lost.LONG
        if isinstance(made, Lost):
            found.lost.append((patch, made))
            continue
        found.kept.append((patch, made))
        taken |= dict.fromkeys(range(run.first, run.last), made) if run else {}
    found.drafts = _assembled(numbered, taken)
    return found


def placed(patch: Patch) -> tuple[ChunkDraft, ...]:
    """The results as they are written: at the place of the first original, one after the other."""
    ordinal = patch.originals[0].ordinal
    return tuple(
        replace(draft, ordinal=ordinal, sub_ordinal=number, patch_id=patch.id)
        for number, draft in enumerate(patch.results)
    )


def derived(text: str, originals: Sequence[ChunkDraft], *, enabled: bool = True) -> ChunkDraft:
    """A chunk with ``text`` in the place of ``originals``: as parsed where it is their very text, else edited.

    Page and box are those of the original in which its words begin.
    """
    for original in originals:
        if text == original.text:
            return replace(original, enabled=enabled, origin="parsed", id=None)
    spans = literal_spans(text, originals)
    home = next((draft for draft in originals if _shares(draft, spans)), originals[0])
    return replace(home, text=text, spans=spans, origin="edited", enabled=enabled, id=None, part=0)


def _shares(draft: ChunkDraft, spans: Sequence[Span]) -> bool:
    """Whether the first of ``spans`` lies in ``draft``: its block, and inside the characters that it has of it."""
    if not spans:
        return False
    first = spans[0]
    return any(
        span.block == first.block and span.block_start <= first.block_start < span.block_start + span.end - span.start
        for span in draft.spans
    )


def _moved(patch: Patch, originals: Sequence[ChunkDraft], run: Run) -> Patch | Lost:
    if run.exact and [draft.text for draft in originals] == [draft.text for draft in patch.originals]:
        texts: Sequence[str] | None = [draft.text for draft in patch.results if draft.origin != ADDED]
    else:
        texts = _merged(patch, originals)
    if texts is None:
        return Lost.CONFLICT
    if not _same_meaning(patch, texts):
        return Lost.FACTS
    rest = iter(texts)
    results = tuple(
        _added(draft, originals) if draft.origin == ADDED else derived(next(rest), originals, enabled=draft.enabled)
        for draft in patch.results
    )
    return Patch(uuid4(), tuple(originals), results)


def _merged(patch: Patch, originals: Sequence[ChunkDraft]) -> list[str] | None:
    """The document's new words with the person's changes, in as many pieces as the person made."""
    own = [draft.text for draft in patch.results if draft.origin != ADDED]
    base = "\n".join(draft.text for draft in patch.originals)
    theirs = "\n".join(draft.text for draft in originals)
    found = merge(base, MARK.join(own), theirs)
    pieces = [piece.strip() for piece in found.split(MARK)] if found is not None else []
    return pieces if len(pieces) == len(own) and all(pieces) else None


def _same_meaning(patch: Patch, texts: Sequence[str]) -> bool:
    """A disabled chunk stays so only while it says the same: who hid "2 天" has not judged "7 天"."""
    own = [draft for draft in patch.results if draft.origin != ADDED]
    return all(draft.enabled or _alike(draft.text, text) for draft, text in zip(own, texts, strict=True))


def _alike(one: str, other: str) -> bool:
    if squeeze(one) == squeeze(other):
        return True
    facts = (set(quantities(one)), dates(one), negations(one)) == (
        set(quantities(other)),
        dates(other),
        negations(other),
    )
    return facts and similarity(squeeze(one), squeeze(other)) >= NEARLY + 0.1


def _added(draft: ChunkDraft, originals: Sequence[ChunkDraft]) -> ChunkDraft:
    """A person's own chunk stands where its neighbour stands now."""
    home = originals[0]
    return replace(
        draft, heading_path=home.heading_path, page=home.page, box=home.box, spans=(), id=None, part=0, locator=""
    )


def _assembled(drafts: Sequence[ChunkDraft], taken: dict[int, Patch]) -> list[ChunkDraft]:
    found: list[ChunkDraft] = []
    done: set[UUID] = set()
    for number, draft in enumerate(drafts):
        patch = taken.get(number)
        if patch is None:
            found.append(draft)
        elif patch.id not in done:
            done.add(patch.id)
            found.extend(placed(patch))
    return found


def draft_as_dict(draft: ChunkDraft) -> dict[str, Any]:
    """JSON-ready form."""
    return {
        "kind": draft.kind,
        "text": draft.text,
        "heading_path": list(draft.heading_path),
        "locator": draft.locator,
        "page": draft.page,
        "box": list(draft.box) if draft.box else None,
        "spans": [[span.start, span.end, span.block, span.block_start] for span in draft.spans],
        "origin": draft.origin,
        "enabled": draft.enabled,
        "ordinal": draft.ordinal,
    }


def draft_from_dict(values: dict[str, Any]) -> ChunkDraft:
    """The inverse of ``draft_as_dict``."""
    box = values["box"]
    return ChunkDraft(
        kind=values["kind"],
        text=values["text"],
        heading_path=tuple(values["heading_path"]),
        locator=values["locator"],
        page=values["page"],
        box=(box[0], box[1], box[2], box[3]) if box else None,
        spans=tuple(Span(*span) for span in values["spans"]),
        origin=values["origin"],
        enabled=values["enabled"],
        ordinal=values["ordinal"],
    )
