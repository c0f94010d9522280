"""The list of solutions, the board of one, the page of a run, and what is done from them."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import allowed
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.pipeline.models import StageEvent
from liaoyuan.pipeline.selectors import solution_get
from liaoyuan.pipeline.services import (
    pipeline_start,
    solution_archive,
    solution_rename,
    solution_restore,
    stage_run_approve,
    stage_run_cancel,
    stage_run_resume,
    stage_run_retry,
)
from liaoyuan.portal.door import PageRequest, back, language, page
from liaoyuan.portal.solutions.board import board_view
from liaoyuan.portal.solutions.forms import FilterForm, NameForm
from liaoyuan.portal.solutions.runs import run_view
from liaoyuan.portal.solutions.selectors import industries_offered, solution_row, solutions_page
from liaoyuan.portal.solutions.timeline import CHATTER, event_views

VERBS: Final[dict[str, Callable[..., str]]] = {
    "approve": stage_run_approve,
    "cancel": stage_run_cancel,
    "retry": stage_run_retry,
    "resume": stage_run_resume,
}
EVENTS: Final = 14
LONGEST_KEY: Final = 64


@page("solution.view")
def solutions(request: PageRequest) -> HttpResponse:
    """All of them, by state, industry and name."""
    form = FilterForm(request.GET, industries=industries_offered(language()))
    form.is_valid()
    wanted = {name: form.cleaned_data.get(name, "") for name in ("q", "state", "industry")}
    found = solutions_page(
        request.principal,
        language(),
        text=wanted["q"],
        state=wanted["state"],
        industry=wanted["industry"],
        number=request.GET.get("page", 1),
    )
    base = "?" + urlencode({name: value for name, value in wanted.items() if value})
    shown = {"form": form, "found": found, "filtered": any(wanted.values()), "base": base}
    shown["may_create"] = allowed(request.principal, "solution.create")
    return render(request, "portal/solutions/list.html", shown)


@page("solution.view")
def row(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """One solution's line in a list, anew."""
    found = solution_row(solution_id, request.principal, language())
    if found is None:
        raise NotFound
    return render(request, "portal/solutions/row.html", {"solution": found})


@page("solution.view")
def solution(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """The board of the newest pass, or of ``?pass=``."""
    return render(request, "portal/solutions/board.html", _board(request, solution_id))


@page("solution.view")
def board(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """The board's living part, anew."""
    return render(request, "portal/solutions/board_live.html", _board(request, solution_id))


@page("solution.run", methods=("POST",))
def start(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """A new pass. The page carries a key, so that a second click gives the same pass."""
    key = str(request.POST.get("key", ""))[:LONGEST_KEY]
    if not key:
        raise InvalidInput(detail="key")
    pipeline = pipeline_start(
        solution_id=solution_id, idempotency_key=f"portal:{request.principal.user_id}:{solution_id}:{key}"
    )
    messages.success(request, _("Pass %(number)s has started.") % {"number": pipeline.number})
    return redirect("solution", solution_id)


@page("solution.create", methods=("GET", "POST"))
def rename(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """Another name."""
    found = solution_get(solution_id)
    form = NameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        renamed = solution_rename(principal=request.principal, solution_id=solution_id, name=form.cleaned_data["name"])
        messages.success(request, _("The solution is called “%(name)s” now.") % {"name": renamed.name})
        return redirect("solution", solution_id)
    status = 422 if form.errors else 200
    return render(request, "portal/solutions/rename.html", {"form": form, "solution": found}, status=status)


@page("solution.create", methods=("POST",))
def archive(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """Out of the lists."""
    found = solution_archive(principal=request.principal, solution_id=solution_id)
    messages.success(request, _("“%(name)s” is archived. Nothing was deleted.") % {"name": found.name})
    return redirect("solutions")


@page("solution.create", methods=("POST",))
def restore(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """Back into the lists."""
    found = solution_restore(principal=request.principal, solution_id=solution_id)
    messages.success(request, _("“%(name)s” is back in the list.") % {"name": found.name})
    return redirect("solution", solution_id)


@page("run.view")
def run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """One run: why it waits, its attempts, what it took and gave, its log."""
    chatter = request.GET.get("log") == "all"
    found = run_view(run_id, request.principal, language(), chatter=chatter)
    shown = {"it": found, "chatter": chatter, "may_approve": allowed(request.principal, "deployment.approve")}
    return render(request, "portal/solutions/run.html", shown)


@page("run.view")
def run_live(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The run's living part, anew."""
    chatter = request.GET.get("log") == "all"
    found = run_view(run_id, request.principal, language(), chatter=chatter)
    return render(request, "portal/solutions/run_live.html", {"it": found, "chatter": chatter})


@page("run.view", methods=("POST",))
def run_steer(request: PageRequest, run_id: UUID, verb: str) -> HttpResponse:
    """Approve, cancel, retry or ask again; the service asks the policy table."""
    if verb not in VERBS:
        raise NotFound
    more = {"note": str(request.POST.get("note", "")).strip()[:500]} if verb == "approve" else {}
    VERBS[verb](principal=request.principal, run_id=run_id, **more)
    return redirect(back(request))


def _board(request: PageRequest, solution_id: UUID) -> dict[str, object]:
    asked = request.GET.get("pass", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else None
    found = board_view(solution_id, request.principal, language(), number)
    events = StageEvent.objects.filter(run__solution_id=solution_id, run__pipeline__number=found.number or 0)
    told = events.exclude(kind__in=CHATTER).select_related("run").order_by("-seq")[:EVENTS]
    return {
        "it": found,
        "events": event_views(told, request.principal, language()),
        "key": uuid4().hex,
        "may_approve": allowed(request.principal, "deployment.approve"),
        "may_ask": allowed(request.principal, "ask"),
    }
