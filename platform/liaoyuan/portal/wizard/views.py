"""Four steps to a solution: industry, scenario, documents, plan. Each has an address and reads its draft anew."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.errors import LiaoyuanError, NotFound
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.services.uploading import PART_BYTES, upload_append, upload_open
from liaoyuan.pipeline.errors import DraftStarted
from liaoyuan.pipeline.models import DocumentSource, SolutionDraft
from liaoyuan.pipeline.selectors import draft_get, drafts_open
from liaoyuan.pipeline.services import draft_change, draft_discard, draft_open
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.wizard import services
from liaoyuan.portal.wizard.forms import DocumentsForm, ScenarioForm
from liaoyuan.portal.wizard.plan import documents_of, plan_view
from liaoyuan.portal.wizard.selectors import (
    STEPS,
    Step,
    furthest,
    industry_cards,
    name_suggested,
    sample_documents,
    scenario_cards,
)

View = Callable[..., HttpResponse]
LONGEST_VERSION: Final = 9


def step(view: View) -> View:
    """A step of an open draft. A started one leads to its solution, whatever was asked of it."""

    @wraps(view)
    def run(request: PageRequest, draft_id: UUID) -> HttpResponse:
        draft = draft_get(draft_id)
        try:
            if draft.pipeline_id is not None:
                raise DraftStarted
            return view(request, draft)
        except DraftStarted:
            solution_id = draft_get(draft_id).solution_id
            if solution_id is None:
                raise NotFound from None
            messages.info(request, _("This solution is started already; here is its board."))
            return redirect("solution", solution_id)

    return run


@page("solution.create", methods=("GET", "POST"))
def new(request: PageRequest) -> HttpResponse:
    """The first step without a draft; the choice of an industry makes one."""
    if request.method == "POST":
        draft = draft_open(industry=_industry(request))
        return redirect("wizard_scenario", draft.id)
    return _industry_page(request, None)


@page("solution.create")
@step
def resume(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """Where the person left it."""
    return redirect(f"wizard_{furthest(draft)}", draft.id)


@page("solution.create", methods=("GET", "POST"))
@step
def industry(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """Another industry; the scenario is chosen anew then."""
    if request.method == "POST":
        draft_change(draft_id=draft.id, industry=_industry(request))
        return redirect("wizard_scenario", draft.id)
    return _industry_page(request, draft)


@page("solution.create", methods=("GET", "POST"))
@step
def scenario(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """What it shall do, and its name."""
    cards = scenario_cards(draft.industry, language())
    first = {"scenario": draft.scenario or cards[0].name, "name": draft.name or name_suggested(cards[0].title)}
    form = ScenarioForm(_sent(request), scenarios=[(c.name, c.title) for c in cards], initial=first)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        name, wanted = chosen["name"], chosen["scenario"]
        if _done(form, lambda: services.scenario_choose(draft_id=draft.id, scenario=wanted, name=name)):
            return redirect("wizard_documents", draft.id)
    shown = {"form": form, "cards": cards, "chosen": form["scenario"].value()}
    return _page(request, draft, "scenario", shown, form)


@page("solution.create", methods=("GET", "POST"))
@step
def documents(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """Sample documents, files, or a collection that is here already."""
    if not draft.scenario:
        return redirect("wizard_scenario", draft.id)
    form = DocumentsForm(_sent(request), request.FILES or None, initial=_documents_initial(draft))
    if request.method == "POST" and form.is_valid() and _done(form, lambda: _documents_choose(draft, form)):
        return redirect("wizard_plan", draft.id)
    shown = {
        "form": form,
        "samples": sample_documents(draft.industry),
        "files": services.uploads_of(draft),
        "largest": settings.UPLOAD_FILE_BYTES,
        "imported": documents_of(draft, request.principal, language()) if draft.imports else None,
        "has_collections": form.fields["collection"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return _page(request, draft, "documents", shown, form)


@page("solution.create")
@step
def plan(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """What will happen, before anything does."""
    if not draft.scenario or not draft.source:
        return redirect(f"wizard_{furthest(draft)}", draft.id)
    return _page(request, draft, "plan", {"plan": plan_view(draft, request.principal, language())})


@page("solution.create")
@step
def plan_documents(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """How far the documents are, anew."""
    found = documents_of(draft, request.principal, language())
    return render(request, "portal/wizard/plan_documents.html", {"documents": found, "draft": draft})


@page("solution.run", methods=("POST",))
@step
def start(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """The first pass begins; a second click, from whichever window, finds it begun."""
    sent = request.POST.get("version", "")
    version = int(sent) if sent.isdecimal() and sent.isascii() and len(sent) <= LONGEST_VERSION else 0
    pipeline = services.draft_start(draft_id=draft.id, version=version, language=language())
    messages.success(request, _("Started. You can leave this page; the work goes on."))
    return redirect("solution", pipeline.solution_id)


@page("solution.create", methods=("POST",))
@step
def discard(request: PageRequest, draft: SolutionDraft) -> HttpResponse:
    """Throw the draft away; what it imported stays in its collection."""
    draft_discard(draft_id=draft.id)
    messages.success(request, _("The draft is gone. Documents that were imported already stay in their collection."))
    return redirect("home")


@page("solution.run", methods=("POST",))
def samples(request: PageRequest) -> HttpResponse:
    """One click: a solution of a scenario over the documents that its pack brings."""
    found = services.sample_start(
        industry=request.POST.get("industry", ""), scenario=request.POST.get("scenario", ""), language=language()
    )
    messages.success(request, _("Started with the sample documents. You can leave this page; the work goes on."))
    return redirect("solution", found.id)


def _sent(request: PageRequest) -> Any:
    """What was sent, an empty form too; None where the page is only looked at."""
    return request.POST if request.method == "POST" else None


def _industry(request: PageRequest) -> str:
    """The pack that was chosen. Raises IndustryUnknown."""
    return industry_get(request.POST.get("industry", "")).name


def _industry_page(request: PageRequest, draft: SolutionDraft | None) -> HttpResponse:
    cards, refused = industry_cards(language())
    shown = {"cards": cards, "refused": refused, "drafts": drafts_open()[:5] if draft is None else ()}
    return _page(request, draft, "industry", shown)


def _documents_initial(draft: SolutionDraft) -> dict[str, Any]:
    chosen = {"into": draft.collection_id, "collection": draft.collection_id}
    return {"source": draft.source or DocumentSource.UPLOAD, "name": draft.name, **chosen}


def _documents_choose(draft: SolutionDraft, form: DocumentsForm) -> SolutionDraft:
    chosen = form.cleaned_data
    if chosen["source"] == DocumentSource.SAMPLE:
        return services.samples_choose(draft_id=draft.id)
    if chosen["source"] == DocumentSource.COLLECTION:
        return services.collection_choose(draft_id=draft.id, collection=chosen["collection"])
    for file in chosen["documents"]:
        _receive(draft, file)
    return services.uploads_choose(draft_id=draft.id, collection=chosen["into"], name=chosen["name"])


def _receive(draft: SolutionDraft, file: Any) -> None:
    """A file of the plain form takes the same way as one that is sent in parts."""
    row = upload_open(batch=draft.id, name=file.name or "", size=file.size or 0)
    offset = 0
    for part in file.chunks(PART_BYTES):
        upload_append(upload_id=row.id, batch=draft.id, offset=offset, data=part)
        offset += len(part)


def _done(form: forms.Form, work: Callable[[], object]) -> bool:
    """Whether ``work`` did it; else its sentence stands in the form. DraftStarted is the step's own matter."""
    try:
        work()
    except (NotFound, DraftStarted):
        raise
    except LiaoyuanError as error:
        form.add_error(None, error.sentence(language()))
        return False
    return True


def _page(
    request: PageRequest,
    draft: SolutionDraft | None,
    name: str,
    shown: dict[str, Any],
    form: forms.Form | None = None,
) -> HttpResponse:
    steps = _steps(draft, name)
    status = 422 if form is not None and form.errors else 200
    return render(
        request, f"portal/wizard/{name}.html", {"draft": draft, "steps": steps, "step": name} | shown, status=status
    )


def _steps(draft: SolutionDraft | None, here: str) -> list[Step]:
    names = [name for name, _title in STEPS]
    reached = names.index(furthest(draft)) if draft is not None else 0
    found = []
    for number, (name, title) in enumerate(STEPS):
        open_one = draft is not None and number <= reached and name != here
        state = "here" if name == here else "done" if draft is not None and number < reached else "open"
        found.append(Step(name, title, state, reverse(f"wizard_{name}", args=[draft.id]) if draft and open_one else ""))
    return found
