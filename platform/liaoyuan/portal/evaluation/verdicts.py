"""Why an answer was bad: of a trace, of a row of an evaluation, or of any question with what it should have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import allowed
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Chunk
from liaoyuan.knowledge.questions.models import EvaluationRow
from liaoyuan.knowledge.questions.services import question_add
from liaoyuan.knowledge.questions.verdict import Case, Verdict, case_of_row, case_of_text, verdict_of
from liaoyuan.knowledge.questions.verdict.finding import Finding, Mend
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.operations.models import Trace
from liaoyuan.operations.verdicts import trace_case, trace_judgeable
from liaoyuan.portal.addresses import uuid_of
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.evaluation.selectors import Rights, collection_get
from liaoyuan.portal.evaluation.words import CAUSES, CHAIN, FEATURES, FINDINGS, LINKS, MENDS

_MOST_HITS: Final = 12
_LONGEST: Final = 2000


@dataclass(frozen=True)
class Shown:
    """One finding in words."""

    head: Any
    finding: Finding
    feature: Any
    url: str


@dataclass(frozen=True)
class Step:
    """One link of the chain: passed, broken, or not reached."""

    name: Any
    meaning: Any
    state: str


@page("question.edit")
def verdict(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The verdict, its proof and where to mend it; the form where the right answer is not known yet."""
    collection = collection_get(collection_id)
    asked = {name: request.GET.get(name, "")[:_LONGEST] for name in ("question", "expected", "find", "row", "trace")}
    case, trace = _case(request, collection_id, asked)
    found = verdict_of(case) if case is not None else None
    context = {
        "collection": collection,
        "asked": asked | {"question": case.question if case else asked["question"]},
        "unanswerable": bool(request.GET.get("unanswerable")),
        "chunks": request.GET.getlist("chunk")[:5],
        "trace": trace,
        "hits": _hits(collection_id, asked["find"]) if asked["find"] else (),
        "rights": Rights.of(request.principal),
        **(_told(found) if found is not None else {}),
    }
    return render(request, "portal/evaluation/verdict.html", context)


def _case(request: PageRequest, collection_id: UUID, asked: dict[str, str]) -> tuple[Case | None, Trace | None]:
    """What is to be judged, from the address; None where no question is named yet. Raises NotFound."""
    chunks, answerable = request.GET.getlist("chunk")[:5], not request.GET.get("unanswerable")
    pointed = [found for text in chunks if (found := uuid_of(text))]
    trace_id, row_id = uuid_of(asked["trace"]), uuid_of(asked["row"])
    if row_id is not None:
        return case_of_row(_row(collection_id, row_id)), None
    if trace_id is not None:
        trace = _trace(request, collection_id, trace_id)
        return trace_case(
            trace, collection_id, expected=asked["expected"], chunk_ids=pointed, answerable=answerable
        ), trace
    if not asked["question"].strip():
        return None, None
    return case_of_text(
        collection_id=collection_id,
        question=asked["question"],
        expected=asked["expected"],
        chunk_ids=pointed,
        answerable=answerable,
    ), None


def _trace(request: PageRequest, collection_id: UUID, trace_id: UUID) -> Trace:
    """One's own trace, or anybody's where the role may see traces. Raises NotFound."""
    trace, home = trace_judgeable(trace_id)
    mine = trace.user_id == request.principal.user_id
    if home != collection_id or not (mine or allowed(request.principal, "trace.view")):
        raise NotFound
    return trace


def _row(collection_id: UUID, row_id: UUID) -> EvaluationRow:
    rows = EvaluationRow.objects.select_related("evaluation__collection", "evaluation__question_set")
    found = rows.filter(id=row_id, evaluation__collection_id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def _hits(collection_id: UUID, text: str) -> QuerySet[Chunk]:
    """Passages that hold the words, for somebody to point at."""
    rows = Chunk.objects.select_related("version__document").filter(
        index=live_index(collection_id), version__in=versions_readable(), text__icontains=text.strip()
    )
    return rows.order_by("version__document__name", "ordinal")[:_MOST_HITS]


def _told(found: Verdict) -> dict[str, Any]:
    badge, name, meaning = CAUSES[found.cause]
    return {
        "verdict": found,
        "badge": badge,
        "cause": name,
        "meaning": meaning,
        "sentence": found.zh if language() == "zh" else found.en,
        "steps": _steps(found),
        "findings": [_finding(each) for each in found.findings],
        "mends": _mends(found.mend),
    }


def _steps(found: Verdict) -> list[Step]:
    """The chain as far as it held. Out of date is asked beside the others, so it only shows where it is the cause."""
    if found.cause.value == "unknown":
        return []
    steps, broken = [], False
    for cause in CHAIN:
        if cause == "stale" and found.cause.value != "stale":
            continue
        here = cause == found.cause.value
        state = "failed" if here else ("neutral" if broken else "succeeded")
        broken = broken or here
        name = CAUSES[cause][1] if here else LINKS.get(cause, CAUSES[cause][1])
        steps.append(Step(name, CAUSES[cause][2], state))
    return steps


def _finding(finding: Finding) -> Shown:
    url = ""
    if finding.document_id:
        query = {"version": finding.version_id} | ({"page": str(finding.page)} if finding.page else {})
        url = f"{reverse('document', args=[finding.document_id])}?{urlencode(query)}"
    return Shown(FINDINGS.get(finding.kind, finding.kind), finding, FEATURES.get(finding.text, finding.text), url)


def _mends(mends: Sequence[Mend]) -> list[tuple[Any, str, str]]:
    """(words, icon, address) of each screen that is there."""
    found = []
    for mend in mends:
        try:
            url = reverse(mend.screen, args=[mend.id])
        except NoReverseMatch:
            continue
        words, icon = MENDS[mend.screen]
        found.append((words, icon, f"{url}?{urlencode(mend.query)}" if mend.query else url))
    return found


@page("question.edit", methods=("POST",))
def verdict_keep(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Keep what was judged as a test question, so that it is asked in every evaluation from now on."""
    trace_id = uuid_of(request.POST.get("trace"))
    question = request.POST.get("question", "")[:_LONGEST]
    if trace_id is not None:
        question = _trace(request, collection_id, trace_id).question
    made = question_add(
        collection_id=collection_id,
        question=question,
        set_name=_("From bad answers"),
        chunk_ids=[found for text in request.POST.getlist("chunk")[:5] if (found := uuid_of(text))],
        must_contain=[line for line in request.POST.get("expected", "")[:_LONGEST].splitlines() if line.strip()],
        answerable=not request.POST.get("unanswerable"),
        source="trace" if trace_id else "hand",
        source_id=trace_id,
    )
    messages.success(request, _("It is a test question now."))
    return HttpResponseRedirect(reverse("question_set", args=[collection_id, made.question_set_id]) + "?state=approved")
