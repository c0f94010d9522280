"""The learned order on the page of a collection's settings: what it is, how it was proven, start it, take it back."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaoyuan.accounts.policy import allowed
from liaoyuan.knowledge.indexes import index_read
from liaoyuan.knowledge.models import Collection
from liaoyuan.knowledge.questions.teaching import LEAST, learning_start, ranking_of, ranking_reset
from liaoyuan.knowledge.rank import stock_weights
from liaoyuan.knowledge.rerankers import FUSION
from liaoyuan.knowledge.shadow.selectors import collection_settings
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.portal.documents.selectors import collection_get
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.evaluation.words import FEATURES
from liaoyuan.portal.lab.words import RERANKERS

METRICS: Final[dict[str, Any]] = {
    "mrr": gettext_lazy("Mean reciprocal rank"),
    "recall@5": gettext_lazy("Right place among five"),
}


@page("document.view")
def ranking_live(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """The card alone, fetched again while it is learned."""
    return render(request, "portal/documents/ranking.html", ranking_shown(request, collection_get(collection_id)))


@page("collection.settings", methods=("POST",))
def ranking_learn(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Begin to learn."""
    learning_start(collection_id=collection_id)
    messages.success(request, _("The order is being learned. It is used only if it is better beyond chance."))
    return _back(collection_id)


@page("collection.settings", methods=("POST",))
def ranking_take_back(request: PageRequest, collection_id: UUID) -> HttpResponse:
    """Back to the stock weights."""
    ranking_reset(collection_id=collection_id)
    messages.success(request, _("The built-in order is in use again."))
    return _back(collection_id)


def ranking_shown(request: PageRequest, collection: Collection) -> dict[str, Any]:
    """What the card shows: the order in force, its proof, and what came of the newest attempt."""
    found = ranking_of(collection.id)
    last, live = found.last, index_read(collection.id)
    ended = last is not None and not found.running
    # The newest attempt's numbers are those in force, or say why nothing changed.
    told = dict(last.result) if last is not None and last.state == RunState.SUCCEEDED else {}
    facts = found.facts or told
    chosen = collection_settings(collection).retrieval.reranker
    return {
        "collection": collection,
        "ranking": found,
        "learning": last if found.running else None,
        "learning_line": _line(last) if found.running and last is not None else "",
        "learning_percent": round(100 * last.progress) if found.running and last is not None else None,
        "failed": _sentence(last.error) if ended and last is not None and not told else "",
        "facts": facts,
        "rejected": bool(told) and not told.get("kept"),
        "ranking_rows": _rows(facts),
        "ranking_weights": _weights(found.weights),
        "outdated": bool(found.facts) and live is not None and live.number != found.facts["generation"],
        "other_reranker": RERANKERS.get(chosen, chosen) if chosen != FUSION else "",
        "least": LEAST,
        "may": allowed(request.principal, "collection.settings"),
        "may_cancel": allowed(request.principal, "run.cancel"),
    }


def _rows(facts: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, row in facts.get("metrics", {}).items():
        low, high = row["difference_interval"]
        rows.append(row | {"word": METRICS.get(name, name), "low": low, "high": high})
    return rows


def _weights(learned: dict[str, float] | None) -> list[dict[str, Any]]:
    """Each feature with its stock and learned weight, what changed most first."""
    rows = (
        [
            {"word": FEATURES.get(name, name), "stock": stock, "learned": learned.get(name, 0.0)}
            for name, stock in stock_weights().items()
        ]
        if learned
        else []
    )
    return sorted(rows, key=lambda row: -abs(row["learned"] - row["stock"]))


def _line(run: StageRun) -> str:
    """How far it is, or why it waits."""
    waits = wait_report(run)
    if waits is not None:
        return waits.reason_zh if language() == "zh" else waits.reason_en
    return run.message_zh if language() == "zh" else run.message_en


def _sentence(error: dict[str, Any]) -> str:
    return str(error.get(language(), ""))


def _back(collection_id: UUID) -> HttpResponse:
    return HttpResponseRedirect(reverse("collection_settings", args=[collection_id]) + "#ranking")
