"""The page of a collection's index: what it is built by, its generations, and how it is searched."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaoyuan.accounts.policy import allowed
from liaoyuan.knowledge.adapters.embeddings import embedder_names
from liaoyuan.knowledge.models import Collection, IndexState
from liaoyuan.knowledge.rerankers import reranker_names
from liaoyuan.knowledge.services.reindexing import generation_drop, generation_swap, reindex_start, settings_change
from liaoyuan.knowledge.settings import SettingsInvalid
from liaoyuan.knowledge.shadow.selectors import (
    Generation,
    collection_settings,
    generations_of,
    not_carried,
    rebuild_seconds,
)
from liaoyuan.knowledge.shadow.stage import AUTOMATIC
from liaoyuan.portal.away import watch
from liaoyuan.portal.documents.index_forms import IndexForm, SearchForm
from liaoyuan.portal.documents.ranking_views import ranking_shown
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.solutions.words import duration

BADGES: Final[dict[str, str]] = {
    IndexState.BUILDING: "running",
    IndexState.READY: "needs-you",
    IndexState.LIVE: "succeeded",
    IndexState.RETIRED: "neutral",
    IndexState.FAILED: "failed",
}
STATES: Final[dict[str, Any]] = {
    IndexState.BUILDING: gettext_lazy("being built"),
    IndexState.READY: gettext_lazy("ready, waits for you"),
    IndexState.LIVE: gettext_lazy("in use"),
    IndexState.RETIRED: gettext_lazy("kept to go back to"),
    IndexState.FAILED: gettext_lazy("build failed"),
}
STOPPED: Final = gettext_lazy("build stopped")
METRICS: Final[dict[str, Any]] = {
    "recall@1": gettext_lazy("Right place first"),
    "recall@5": gettext_lazy("Right place among five"),
    "recall@10": gettext_lazy("Right place among ten"),
    "mrr": gettext_lazy("Mean reciprocal rank"),
    "ndcg@10": gettext_lazy("Order of the first ten (nDCG)"),
    "citation_correct": gettext_lazy("Cites the right place"),
    "must_contain": gettext_lazy("Says what it must say"),
    "abstained_unanswerable": gettext_lazy("Declines what it cannot know"),
    "refused_answerable": gettext_lazy("Declines what it could answer"),
}
VERDICTS: Final[dict[str, tuple[str, Any]]] = {
    "better": ("succeeded", gettext_lazy("better")),
    "same": ("neutral", gettext_lazy("no difference beyond chance")),
    "worse": ("failed", gettext_lazy("worse")),
    "unscored": ("waiting", gettext_lazy("not scored: no questions yet")),
}


@dataclass(frozen=True)
class Shown:
    """One generation, ready for the template."""

    generation: Generation
    badge: str
    state: Any
    line: str
    percent: int | None
    verdict: tuple[str, Any] | None
    metrics: list[dict[str, Any]]
    kept: list[dict[str, Any]]


@page("document.view")
def collection_settings_page(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """What the index is built by, its generations, how it is searched."""
    return _page(request, collection_id)


@page("document.view")
def generations_live(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The generations alone, fetched again while one is built."""
    shown = _generations(request, collection_get(collection_id))
    return render(request, "portal/documents/generations.html", shown)


@page("collection.settings", methods=("POST",))
def index_build(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Begin a generation with the chosen settings; an empty collection takes them at once."""
    collection = collection_get(collection_id)
    form = IndexForm(request.POST, embedders=_embedders(collection))
    if not form.is_valid():
        return _page(request, collection_id, index_form=form)
    try:
        wanted = form.settings(collection_settings(collection))
        if rebuild_seconds(collection_id):
            made = reindex_start(collection_id=collection_id, settings=wanted, swap=form.cleaned_data["swap"])
            said = _("Generation %(number)d is being built beside the index in use.") % {"number": made.number}
        else:
            settings_change(collection_id=collection_id, settings=wanted)
            said = _("Saved: the first documents will be indexed this way.")
    except SettingsInvalid as error:
        form.add_error(None, error.sentence(language()))
        return _page(request, collection_id, index_form=form)
    messages.success(request, said)
    return _back(collection_id)


@page("collection.settings", methods=("POST",))
def index_renew(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Read again, beside the index in use, what older rules read; it goes live by itself where it is not worse."""
    now = collection_settings(collection_get(collection_id))
    made = reindex_start(collection_id=collection_id, settings=now, swap=AUTOMATIC)
    said = _("Generation %(number)d is being built beside the index in use.") % {"number": made.number}
    messages.success(request, said)
    return _back(collection_id)


@page("collection.settings", methods=("POST",))
def search_settings(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Change how the collection is searched."""
    collection = collection_get(collection_id)
    form = SearchForm(request.POST, rerankers=_rerankers(collection))
    if not form.is_valid():
        return _page(request, collection_id, search_form=form)
    try:
        wanted = form.settings(collection_settings(collection))
        settings_change(collection_id=collection_id, settings=wanted)
    except SettingsInvalid as error:
        form.add_error(None, error.sentence(language()))
        return _page(request, collection_id, search_form=form)
    messages.success(request, _("Saved. It counts from the next question on."))
    return _back(collection_id)


@page("collection.settings", methods=("POST",))
def generation_swap_in(request: PageRequest, collection_id: UUID, index_id: UUID) -> HttpResponse:
    """Let searches read this generation."""
    done = generation_swap(collection_id=collection_id, index_id=index_id)
    number = {"number": done.index.number}
    if done.swapped:
        messages.success(request, _("Searches read generation %(number)d now.") % number)
    else:
        messages.info(request, _("Generation %(number)d first takes in what arrived since, then it is used.") % number)
    return _back(collection_id)


@page("collection.settings", methods=("POST",))
def generation_drop_out(request: PageRequest, collection_id: UUID, index_id: UUID) -> HttpResponse:
    """Remove a generation for good."""
    count = generation_drop(collection_id=collection_id, index_id=index_id)
    messages.success(request, _("Removed, with %(count)d chunks.") % {"count": count})
    return _back(collection_id)


def _back(collection_id: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse("collection_settings", args=[collection_id]))


def _page(
    request: PageRequest,
    collection_id: UUID,
    index_form: IndexForm | None = None,
    search_form: SearchForm | None = None,
) -> HttpResponse:
    collection = collection_get(collection_id)
    now = collection_settings(collection)
    seconds = rebuild_seconds(collection_id)
    shown = (
        _generations(request, collection)
        | ranking_shown(request, collection)
        | {
            "index_form": index_form or IndexForm(initial=IndexForm.initial_of(now), embedders=_embedders(collection)),
            "search_form": search_form
            or SearchForm(initial=SearchForm.initial_of(now), rerankers=_rerankers(collection)),
            "seconds": seconds,
            "took": duration(seconds),
        }
    )
    wrong = index_form or search_form
    return render(request, "portal/documents/settings.html", shown, status=422 if wrong else 200)


def _embedders(collection: Collection) -> list[str]:
    """The models to choose from; the collection's own even when the operator took it away."""
    return list(dict.fromkeys([*embedder_names(), collection_settings(collection).embedder]))


def _rerankers(collection: Collection) -> list[str]:
    """Those to choose from; the collection's own even when the operator took it away."""
    return list(dict.fromkeys([*reranker_names(), collection_settings(collection).retrieval.reranker]))


def _generations(request: PageRequest, collection: Collection) -> dict[str, Any]:
    generations = [_shown(each) for each in generations_of(collection.id)]
    building = next((each.generation.run for each in generations if each.generation.building), None)
    return {
        "collection": collection,
        "generations": generations,
        "building": building,
        "ahead": bool(generations) and generations[0].generation.index.state in (IndexState.BUILDING, IndexState.READY),
        "watch": watch([building] if building else []),
        "may": allowed(request.principal, "collection.settings"),
        "may_cancel": allowed(request.principal, "run.cancel"),
    }


def _shown(each: Generation) -> Shown:
    index, run = each.index, each.run
    scores = index.scores or {}
    stopped = each.can_resume and index.state == IndexState.BUILDING
    return Shown(
        generation=each,
        badge="cancelled" if stopped else BADGES[index.state],
        state=STOPPED if stopped else STATES[index.state],
        line=_line(each),
        percent=round(100 * run.progress) if run is not None and each.building and each.wait is None else None,
        verdict=VERDICTS.get(str(scores.get("verdict"))),
        metrics=[row | {"word": METRICS.get(row["metric"], row["metric"])} for row in scores.get("metrics", [])],
        kept=[dict(row, reason=row.get(language(), "")) for row in not_carried(index.id)],
    )


def _line(each: Generation) -> str:
    """Why it waits, how far it is, or why it failed."""
    zh = language() == "zh"
    if each.wait is not None:
        return each.wait.reason_zh if zh else each.wait.reason_en
    if each.building and each.run is not None:
        return each.run.message_zh if zh else each.run.message_en
    told = each.index.error or (each.run.error if each.run and each.can_resume else {})
    return str(told.get(language(), ""))
