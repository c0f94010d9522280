"""Question sets and their review, evaluations and their results."""

import json
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.knowledge.answer import Mode
from liaoyuan.knowledge.questions.evaluating import evaluation_start
from liaoyuan.knowledge.questions.models import QuestionState, SetState
from liaoyuan.knowledge.questions.proposing import synthesis_start
from liaoyuan.knowledge.questions.selectors import questions_readable, set_get, set_lines
from liaoyuan.knowledge.questions.services import (
    question_add,
    question_edit,
    questions_import,
    questions_review,
    set_change,
    set_create,
    set_delete,
)
from liaoyuan.portal.addresses import uuid_of
from liaoyuan.portal.door import PageRequest, back, language, page
from liaoyuan.portal.evaluation import results, selectors
from liaoyuan.portal.evaluation.forms import ImportForm, QuestionForm, SetForm, SynthesiseForm, ThresholdForm
from liaoyuan.portal.evaluation.words import KINDS, SOURCES, TYPES


@page("document.view")
def evaluation(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The sets, the last result, the runs over time."""
    return render(request, "portal/evaluation/overview.html", _overview(request, collection_id))


@page("document.view")
def evaluation_live(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """What runs and what came of it, fetched again while something happens."""
    return render(request, "portal/evaluation/live.html", _overview(request, collection_id))


def _overview(request: PageRequest, collection_id: UUID) -> dict[str, Any]:
    return {
        "shown": selectors.overview(collection_id, uuid_of(request.GET.get("set"))),
        "rights": selectors.Rights.of(request.principal),
        "kinds": KINDS,
        "set_form": SetForm(),
        "import_form": ImportForm(),
        "synthesise_form": SynthesiseForm(),
        "query": request.GET.urlencode(),
    }


@page("evaluation.run", methods=("POST",))
def evaluation_run(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Measure the collection by a set, now."""
    set_id = uuid_of(request.POST.get("set"))
    if set_id is None:
        raise NotFound
    mode: Mode = "generative" if request.POST.get("mode") == "generative" else "extractive"
    key = uuid_of(request.POST.get("key"))
    evaluation_start(
        collection_id=collection_id, set_id=set_id, mode=mode, idempotency_key=f"evaluation {key}" if key else ""
    )
    messages.success(request, _("The evaluation has started."))
    return HttpResponseRedirect(_home(collection_id, set_id))


def _home(collection_id: UUID, set_id: UUID | None = None) -> str:
    return reverse("evaluation", args=[collection_id]) + (f"?set={set_id}" if set_id else "")


@page("document.view")
def evaluation_result(request: PageRequest, collection_id: UUID, evaluation_id: UUID) -> HttpResponse:
    """One evaluation: its numbers, its groups, what failed, and what changed since another one."""
    other = uuid_of(request.GET.get("with"))
    shown = results.result(collection_id, evaluation_id, other, request.GET.get("rows", ""))
    rights = selectors.Rights.of(request.principal)
    return render(request, "portal/evaluation/result.html", {"shown": shown, "rights": rights})


@page("question.edit", methods=("POST",))
def set_new(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """A new set, to be filled by hand."""
    form = SetForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(detail=_("a set needs a name"))
    made = set_create(collection_id=collection_id, name=form.cleaned_data["name"])
    return HttpResponseRedirect(reverse("question_set", args=[collection_id, made.id]))


@page("question.edit", methods=("POST",))
def set_import(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Take over a file; its bad lines are shown with their reasons."""
    selectors.collection_get(collection_id)
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        raise InvalidInput(detail=_("choose a file of questions"))
    sent, data = form.cleaned_data["file"], form.cleaned_data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "questions"
        with path.open("wb") as file:
            for part in sent.chunks():
                file.write(part)
        outcome = questions_import(
            collection_id=collection_id, path=path, name=sent.name, set_name=data["name"], review=data["review"]
        )
    context = {
        "collection": selectors.collection_get(collection_id),
        "outcome": outcome,
        "name": sent.name,
        "bad": [(bad.number, bad.reason_zh if language() == "zh" else bad.reason_en, bad.text) for bad in outcome.bad],
    }
    return render(request, "portal/evaluation/imported.html", context)


@page("question.edit", methods=("POST",))
def set_synthesise(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Make questions from the documents, for review."""
    form = SynthesiseForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(detail=str(form.errors["target"][0]))
    key = uuid_of(request.POST.get("key"))
    synthesis_start(
        collection_id=collection_id,
        set_id=uuid_of(request.POST.get("set")),
        target=form.cleaned_data["target"],
        idempotency_key=f"synthesis {key}" if key else "",
    )
    messages.success(request, _("Questions are being made. They wait here for your review."))
    return HttpResponseRedirect(_home(collection_id))


@page("document.view")
def question_set(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """A set's questions: first those that wait for review."""
    found = set_get(set_id, collection_id)
    counts = {state.value: 0 for state in QuestionState}
    rows = questions_readable(collection_id).filter(question_set=found)
    for state in rows.values_list("state", flat=True):
        counts[state] += 1
    chosen = request.GET.get("state", "")
    if chosen not in counts:
        chosen = QuestionState.PROPOSED if counts[QuestionState.PROPOSED] else QuestionState.APPROVED
    number = request.GET.get("page", "")
    context = {
        "set": found,
        "collection": found.collection,
        "counts": counts,
        "state": chosen,
        "page": selectors.questions_page(found, chosen, int(number) if number.isdecimal() else 1),
        "badge": selectors.set_badge(found),
        "rights": selectors.Rights.of(request.principal),
        "form": QuestionForm(),
        "threshold_form": ThresholdForm(),
        "thresholds": results.thresholds_shown(found),
        "types": TYPES,
        "sources": SOURCES,
        "kinds": KINDS,
    }
    return render(request, "portal/evaluation/set.html", context)


@page("question.edit", methods=("POST",))
def question_new(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """Add one question by hand."""
    form = QuestionForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(detail=_("write a question"))
    question_add(collection_id=collection_id, set_id=set_id, **form.values())
    messages.success(request, _("The question was added."))
    return HttpResponseRedirect(back(request, reverse("question_set", args=[collection_id, set_id])))


@page("question.edit", methods=("POST",))
def question_change(request: PageRequest, collection_id: UUID, set_id: UUID, question_id: UUID) -> HttpResponse:
    """Change a question; who changes it has reviewed it."""
    form = QuestionForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(detail=_("write a question"))
    question_edit(question_id=question_id, collection_id=collection_id, values=form.values())
    messages.success(request, _("The question was changed and approved."))
    return HttpResponseRedirect(back(request, reverse("question_set", args=[collection_id, set_id])))


@page("question.edit", methods=("POST",))
def question_review(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """Approve or reject what was chosen, one question or many."""
    set_get(set_id, collection_id)
    state = request.POST.get("state", "")
    if state not in QuestionState.values:
        raise InvalidInput(detail="state")
    ids = [found for text in request.POST.getlist("question")[:500] if (found := uuid_of(text))]
    count = questions_review(collection_id=collection_id, question_ids=ids, state=state)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    said = ngettext("%(count)d question was reviewed.", "%(count)d questions were reviewed.", count)
    messages.success(request, said % {"count": count})
    return HttpResponseRedirect(back(request, reverse("question_set", args=[collection_id, set_id])))


@page("question.edit", methods=("POST",))
def set_state(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """Approve, retire or delete a set."""
    set_get(set_id, collection_id)
    wanted = request.POST.get("state", "")
    if wanted == "delete":
        set_delete(set_id=set_id)
        messages.success(request, _("The question set was deleted."))
        return HttpResponseRedirect(_home(collection_id))
    if wanted not in SetState.values:
        raise InvalidInput(detail="state")
    set_change(set_id=set_id, state=wanted)
    messages.success(request, _("The question set was changed."))
    return HttpResponseRedirect(reverse("question_set", args=[collection_id, set_id]))


@page("collection.settings", methods=("POST",))
def set_thresholds(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """Add a demand of the set, or drop one: approved, it is a gate of every bundle over the collection."""
    found = set_get(set_id, collection_id)
    kept = [each for each in found.thresholds if each["metric"] != request.POST.get("drop")]
    if not request.POST.get("drop"):
        form = ThresholdForm(request.POST)
        if not form.is_valid():
            raise InvalidInput(detail=_("choose a metric and a value"))
        kept.append(results.threshold_of(form.cleaned_data))
    set_change(set_id=set_id, thresholds=kept)
    messages.success(request, _("The gate was changed."))
    return HttpResponseRedirect(reverse("question_set", args=[collection_id, set_id]))


@page("document.view")
def set_export(request: PageRequest, collection_id: UUID, set_id: UUID) -> HttpResponse:
    """The approved questions that the reader may see, in the form that the import and the command read."""
    found = set_get(set_id, collection_id)
    rows = questions_readable(collection_id).filter(question_set=found, state=QuestionState.APPROVED)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in set_lines(list(rows)))
    answer = HttpResponse(text, content_type="application/jsonl; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="questions.jsonl"'
    return answer
