"""What changes question sets: made, filled by hand, from the lab, from a bad answer or a file; reviewed; approved.

Call these inside a tenant context.
"""

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, Max, When
from django.utils import timezone

from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.identity import display_name
from liaoyuan.knowledge.models import PUBLISHED, Chunk, Collection, Document, DocumentVersion
from liaoyuan.knowledge.questions.errors import QuestionUnusable, SetNameTaken, SetNameUnusable, SetNotReady
from liaoyuan.knowledge.questions.models import (
    QuestionSet,
    QuestionSource,
    QuestionState,
    SetKind,
    SetState,
    TestQuestion,
)
from liaoyuan.knowledge.questions.reading import BadLine, LineInvalid, QuestionDraft, draft_from, question_file_read
from liaoyuan.knowledge.questions.selectors import questions_readable, set_get
from liaoyuan.knowledge.questions.thresholds import thresholds_checked
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import in_force_on
from liaoyuan.knowledge.text.normalise import squeeze

LONGEST_NAME: Final = 120
# So much of a chunk is kept as the words by which it is known after a new index.
_QUOTE_CHARACTERS: Final = 400
_LOCATOR_CHARACTERS: Final = 24


def set_create(*, collection_id: UUID, name: str, kind: str = SetKind.HAND) -> QuestionSet:
    """A new, empty set. Raises NotFound, SetNameUnusable, SetNameTaken."""
    if not Collection.objects.filter(id=collection_id).exists():
        raise NotFound
    text = " ".join(name.split())
    if not text or len(text) > LONGEST_NAME:
        raise SetNameUnusable(limit=LONGEST_NAME)
    tenant = current_tenant()
    try:
        with transaction.atomic():
            made = QuestionSet.objects.create(
                organization_id=tenant.organization_id,
                collection_id=collection_id,
                name=text,
                kind=kind,
                created_by=tenant.user_id,
            )
    except IntegrityError as error:
        raise SetNameTaken(name=text) from error
    _audited("question_set.create", made, {"name": text, "kind": kind})
    return made


def set_named(*, collection_id: UUID, name: str, kind: str = SetKind.HAND) -> QuestionSet:
    """The collection's set of this name, made if need be."""
    found = QuestionSet.objects.filter(collection_id=collection_id, name=" ".join(name.split())).first()
    return found or set_create(collection_id=collection_id, name=name, kind=kind)


def set_change(
    *,
    set_id: UUID,
    name: str | None = None,
    state: str | None = None,
    thresholds: Sequence[Mapping[str, Any]] | None = None,
) -> QuestionSet:
    """Rename, approve or retire a set, or say what it demands. Raises NotFound, SetNotReady, ThresholdInvalid."""
    found = set_get(set_id)
    if name is not None:
        found.name = " ".join(name.split())
        if not found.name or len(found.name) > LONGEST_NAME:
            raise SetNameUnusable(limit=LONGEST_NAME)
    if thresholds is not None:
        found.thresholds = thresholds_checked(thresholds)
    if state is not None:
        found.state = SetState(state)
        approved = found.questions.filter(state=QuestionState.APPROVED).exists()
        if found.state == SetState.APPROVED and not approved:
            raise SetNotReady(name=found.name)
    try:
        with transaction.atomic():
            found.save(update_fields=["name", "state", "thresholds"])
    except IntegrityError as error:
        raise SetNameTaken(name=found.name) from error
    _audited("question_set.change", found, {"state": found.state, "thresholds": found.thresholds})
    return found


def set_delete(*, set_id: UUID) -> None:
    """A set goes with its questions and its evaluations. Raises NotFound."""
    found = set_get(set_id)
    _audited("question_set.delete", found, {"name": found.name, "questions": found.questions.count()})
    found.delete()


def question_add(
    *,
    collection_id: UUID,
    question: str,
    set_id: UUID | None = None,
    set_name: str = "",
    evidence: Sequence[str] = (),
    chunk_ids: Sequence[UUID | str] = (),
    must_contain: Sequence[str] = (),
    answerable: bool = True,
    type: str = "",  # noqa: A002 - the field's name in every question file
    date: str = "",
    state: str = QuestionState.APPROVED,
    source: str = QuestionSource.HAND,
    source_id: UUID | None = None,
) -> TestQuestion:
    """Keep one question; ``chunk_ids`` are the passages that answer it. Raises NotFound, QuestionUnusable.

    The same question again in a set gives the first one, with the evidence given now.
    """
    home = (
        set_get(set_id, collection_id)
        if set_id
        else set_named(collection_id=collection_id, name=set_name or "手工问题")
    )
    pointed = _pointed(collection_id, chunk_ids)
    named = [place_of(chunk) for chunk in pointed]
    try:
        draft = draft_from(
            {
                "question": question,
                "evidence": [*named, *evidence],
                "must_contain": list(must_contain),
                "answerable": answerable,
                "type": type,
                "date": date,
            }
        )
    except LineInvalid as error:
        raise QuestionUnusable(detail_zh=error.zh, detail_en=error.en) from error
    new = NewQuestion(draft, [anchor_of(chunk) for chunk in pointed], state=state, source=source, source_id=source_id)
    return questions_write(home, [new])[0]


def _pointed(collection_id: UUID, chunk_ids: Sequence[UUID | str]) -> list[Chunk]:
    """The chunks that somebody pointed at, if they may read them. Raises NotFound."""
    wanted = [UUID(str(key)) for key in chunk_ids]
    chunks = Chunk.objects.select_related("version__document").filter(
        id__in=wanted, collection_id=collection_id, version__in=versions_readable()
    )
    found = {chunk.id: chunk for chunk in chunks}
    if set(wanted) - set(found):
        raise NotFound
    return [found[key] for key in wanted]


def place_of(chunk: Chunk, quote: str = "") -> str:
    """The name of a chunk's place, "DOCUMENT#LOCATOR", as a question file has it."""
    document = display_name(chunk.version.document.name, chunk.title)
    locator = chunk.locator or (chunk.heading_path[-1] if chunk.heading_path else "")
    return f"{document}#{locator or (quote or chunk.text)[:_LOCATOR_CHARACTERS].strip()}"[:400]


def anchor_of(chunk: Chunk, quote: str = "") -> dict[str, str]:
    """What still finds the chunk's content when the collection was indexed anew."""
    return {
        "document_id": str(chunk.version.document_id),
        "anchor": getattr(chunk, "anchor", ""),
        "quote": (quote or chunk.text)[:_QUOTE_CHARACTERS],
    }


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question about to be kept, with where it comes from."""

    draft: QuestionDraft
    anchors: Sequence[Mapping[str, str]] = ()
    state: str = QuestionState.PROPOSED
    source: str = QuestionSource.HAND
    source_id: UUID | None = None
    note: str = ""
    # Documents that it speaks of without pointing at them.
    rests_on: Sequence[UUID] = ()


def questions_write(home: QuestionSet, new: Sequence[NewQuestion]) -> list[TestQuestion]:
    """Keep questions in one set; a question that is there already is given its new evidence."""
    # The row's lock makes the numbers unique.
    QuestionSet.objects.select_for_update().get(id=home.id)
    tenant = current_tenant()
    number = TestQuestion.objects.filter(question_set=home).aggregate(last=Max("number"))["last"] or 0
    names = _documents_by_name(home.collection_id)
    rows = []
    for place, item in enumerate(new, start=1):
        values = _columns(item, names)
        row, _created = TestQuestion.objects.update_or_create(
            organization_id=tenant.organization_id,
            question_set=home,
            digest=digest_of(item.draft.question, item.draft.date),
            defaults=values,
            create_defaults={**values, "number": number + place, "author": tenant.user_id},
        )
        rows.append(row)
    return rows


def digest_of(question: str, date: str = "") -> str:
    """By what two questions are the same one: asked of two days it is two."""
    folded = squeeze(question) + (f"\n{date}" if date else "")
    return hashlib.sha256(folded.encode()).hexdigest()


def _columns(item: NewQuestion, names: Mapping[str, UUID]) -> dict[str, Any]:
    draft = item.draft
    documents = {UUID(anchor["document_id"]) for anchor in item.anchors}
    documents |= {names[name] for name in _named(draft.evidence, names)} | set(item.rests_on)
    return {
        "question": draft.question,
        "evidence": list(draft.evidence),
        "anchors": [dict(anchor) for anchor in item.anchors],
        "must_contain": list(draft.must_contain),
        "answerable": draft.answerable,
        "type": draft.type,
        "language": draft.language,
        "date": draft.date or None,
        "external_id": draft.external_id,
        "state": item.state,
        "source": item.source,
        "source_id": item.source_id,
        "note": item.note[:300],
        "documents": sorted(documents),
    }


def _documents_by_name(collection_id: UUID) -> dict[str, UUID]:
    """Documents by every folded name under which a question may mean them."""
    found: dict[str, UUID] = {}
    for identifier, name in Document.objects.filter(collection_id=collection_id).values_list("id", "name"):
        found[squeeze(PurePosixPath(name).stem)] = identifier
    # What is in force names it first; an older title still tells which document is meant, for questions with a date.
    versions = DocumentVersion.objects.filter(document__collection_id=collection_id, state__in=PUBLISHED)
    current = Case(When(in_force_on(timezone.localdate()), then=0), default=1)
    for identifier, title in versions.order_by(current, "-number").values_list("document_id", "title"):
        found.setdefault(squeeze(title), identifier)
    found.pop("", None)
    return found


def _named(evidence: Iterable[str], names: Mapping[str, UUID]) -> list[str]:
    wanted = [squeeze(item.partition("#")[0]) for item in evidence]
    return [name for name in names for start in wanted if start and name.startswith(start)]


def question_edit(
    *, question_id: UUID, collection_id: UUID, values: Mapping[str, Any], state: str = QuestionState.APPROVED
) -> TestQuestion:
    """Replace a question's text, evidence and literals; who edits it has reviewed it. Raises NotFound."""
    row = question_get(question_id, collection_id)
    try:
        draft = draft_from({"type": row.type, "language": "", "date": _iso(row.date), **values})
    except LineInvalid as error:
        raise QuestionUnusable(detail_zh=error.zh, detail_en=error.en) from error
    kept = [dict(anchor) for place, anchor in zip(row.evidence, row.anchors, strict=False) if place in draft.evidence]
    ordered = tuple(
        [place for place in row.evidence if place in draft.evidence]
        + [place for place in draft.evidence if place not in row.evidence]
    )
    changed = replace(draft, evidence=ordered, external_id=row.external_id)
    item = NewQuestion(changed, kept, state=state, source=row.source, source_id=row.source_id, note=row.note)
    columns = _columns(item, _documents_by_name(collection_id))
    columns |= {
        "digest": digest_of(changed.question, changed.date),
        "reviewer": current_tenant().user_id,
        "reviewed_at": timezone.now(),
    }
    try:
        with transaction.atomic():
            TestQuestion.objects.filter(id=row.id).update(**columns)
    except IntegrityError as error:
        raise QuestionUnusable(detail_zh="问题集里已有同样的问题", detail_en="the set holds it already") from error
    row.refresh_from_db()
    return row


def _iso(day: datetime.date | None) -> str:
    return day.isoformat() if day else ""


def question_get(question_id: UUID, collection_id: UUID) -> TestQuestion:
    """One question that the caller may see. Raises NotFound."""
    found = questions_readable(collection_id).filter(id=question_id).first()
    if found is None:
        raise NotFound
    return found


def questions_review(*, collection_id: UUID, question_ids: Sequence[UUID], state: str, note: str = "") -> int:
    """Approve, reject or propose again; how many changed. Those that the caller may not see stay as they are."""
    rows = questions_readable(collection_id).filter(id__in=list(question_ids))
    changed = rows.order_by().update(
        state=QuestionState(state), reviewer=current_tenant().user_id, reviewed_at=timezone.now(), note=note[:300]
    )
    if changed:
        audit_record(
            action="question.review", object_kind="collection", object_id=collection_id,
            detail={"state": state, "questions": changed},
        )  # fmt: skip
    return changed


@dataclass(slots=True)
class ImportOutcome:
    """What became of a question file, line by line."""

    set_id: UUID
    added: int = 0
    renewed: int = 0
    bad: list[BadLine] = field(default_factory=list)
    unknown_documents: list[str] = field(default_factory=list)


def questions_import(
    *, collection_id: UUID, path: Path, name: str, set_name: str = "", review: bool = False
) -> ImportOutcome:
    """Take over a file of questions. Bad lines are listed and the rest is kept. Raises QuestionFileUnreadable.

    ``review`` puts them into the review queue; else who brings them vouches for them.
    """
    found = question_file_read(path, name)
    home = set_named(collection_id=collection_id, name=set_name or Path(name).stem, kind=SetKind.IMPORTED)
    before = set(TestQuestion.objects.filter(question_set=home).values_list("digest", flat=True))
    state = QuestionState.PROPOSED if review else QuestionState.APPROVED
    good = [NewQuestion(draft, state=state, source=QuestionSource.IMPORT) for _number, draft in found.good]
    rows = questions_write(home, good)
    outcome = ImportOutcome(home.id, bad=found.bad)
    outcome.added = len({row.digest for row in rows} - before)
    outcome.renewed = len(rows) - outcome.added
    outcome.unknown_documents = _unknown(collection_id, [draft for _number, draft in found.good])
    _audited("question_set.import", home, {"added": outcome.added, "bad": len(outcome.bad)})
    return outcome


def _unknown(collection_id: UUID, drafts: Sequence[QuestionDraft]) -> list[str]:
    """Documents that the questions name and the collection does not hold: their evidence can never be found."""
    names = _documents_by_name(collection_id)
    wanted = dict.fromkeys(item.partition("#")[0] for draft in drafts for item in draft.evidence)
    return [name for name in wanted if not _named([name], names)]


def _audited(action: str, row: QuestionSet, detail: Mapping[str, Any]) -> None:
    audit_record(action=action, object_kind="question_set", object_id=row.id, detail=dict(detail))
