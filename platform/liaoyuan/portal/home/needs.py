"""What waits for the reader and for nobody else: an approval, a failure, a refused file, a draft left open."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaoyuan.accounts.models import Invitation
from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.knowledge.models import IndexState, SearchIndex, VersionState
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.pipeline.models import FINAL_STATES, Pipeline, RunState, StageRun
from liaoyuan.pipeline.selectors import drafts_open
from liaoyuan.pipeline.waits import APPROVAL, ASKED_AGAIN
from liaoyuan.portal.solutions.words import STAGES, Titles, link, tells_files

MOST: Final = 12
LATELY: Final = timedelta(days=14)
BAD: Final = (RunState.FAILED, RunState.ERRORED, RunState.DEAD)


@dataclass(frozen=True)
class Need:
    """One thing to do. ``verb`` with ``run_id`` is what can be done at once; ``address`` leads to the whole of it."""

    kind: str
    badge: str
    title: str
    detail: str
    address: str
    at: datetime | None
    verb: str = ""
    run_id: UUID | None = None


def needs(principal: Principal, language: str) -> Sequence[Need]:
    """The most pressing first. Needs the tenant context."""
    sources: list[Callable[[Principal, str], Iterator[Need]]] = [_approvals, _sources, _indexes]
    sources += [_failures, _waits, _files]
    found = [need for source in sources for need in source(principal, language)]
    return [*found, *_invitations(principal), *_drafts(principal, language)][:MOST]


def _approvals(principal: Principal, language: str) -> Iterator[Need]:
    if not allowed(principal, "deployment.approve"):
        return
    runs = StageRun.objects.filter(state=RunState.WAITING, wait_kind=APPROVAL).select_related("solution")
    for run in _of_live_solutions(runs).order_by("created_at")[:MOST]:
        yield Need(
            kind="approval",
            badge="needs-you",
            title=_("“%(name)s” waits for your approval") % {"name": _name(run)},
            detail=run.wait_reason_zh if language == "zh" else run.wait_reason_en,
            address=_address(run),
            at=run.started_at,
            verb="approve",
            run_id=run.id,
        )


def _sources(principal: Principal, language: str) -> Iterator[Need]:
    """A synchronization that found so many documents gone that it ended none of them: a person has to say so."""
    if not allowed(principal, "source.manage"):
        return
    for source in Source.objects.filter(held__gt=0).select_related("collection").order_by("last_run_at")[:MOST]:
        yield Need(
            kind="confirm",
            badge="needs-you",
            title=ngettext(
                "“%(name)s”: %(count)s document is no longer at its source",
                "“%(name)s”: %(count)s documents are no longer at their source",
                source.held,
            )
            % {"name": source.name, "count": source.held},
            detail=_("Nothing ends until you say so. “%(collection)s” is searched as before.")
            % {"collection": source.collection.name},
            address=link("source", source.id),
            at=source.last_run_at,
        )


def _indexes(principal: Principal, language: str) -> Iterator[Need]:
    """A rebuilt index that nobody has put in place or dropped."""
    if not allowed(principal, "collection.settings"):
        return
    ready = SearchIndex.objects.filter(state=IndexState.READY).select_related("collection").order_by("created_at")
    runs = StageRun.objects.filter(id__in=ready.values("run_id")).exclude(state__in=FINAL_STATES)
    for index in ready.exclude(run_id__in=runs.values("id"))[:MOST]:
        yield Need(
            kind="index",
            badge="needs-you",
            title=_("“%(name)s”: generation %(number)s of its index is ready")
            % {"name": index.collection.name, "number": index.number},
            detail=_("Look at its scores, then put it in place or drop it."),
            address=link("collection_settings", index.collection_id),
            at=index.created_at,
        )


def _failures(principal: Principal, language: str) -> Iterator[Need]:
    """Of the newest pass of each solution, and of what was started beside the passes lately."""
    if not allowed(principal, "run.retry"):
        return
    newest = Pipeline.objects.filter(solution=OuterRef("solution")).order_by("-number").values("id")[:1]
    runs = StageRun.objects.filter(state__in=BAD, finished_at__gte=timezone.now() - LATELY)
    in_passes = _of_live_solutions(runs.filter(pipeline__isnull=False)).filter(pipeline=Subquery(newest))
    beside = runs.filter(pipeline__isnull=True)
    both = [*in_passes.select_related("solution")[:MOST], *beside.select_related("solution")[:MOST]]
    for run in sorted(both, key=lambda each: each.finished_at or each.created_at, reverse=True):
        told = tells_files(run, principal)
        yield Need(
            kind="failure",
            badge=run.state,
            title=_("%(stage)s stopped: %(name)s") % {"stage": STAGES.get(run.stage, run.stage), "name": _name(run)},
            detail=str(run.error.get(language) or run.error.get("message", "")) if run.error and told else "",
            address=_address(run),
            at=run.finished_at,
            verb="retry",
            run_id=run.id,
        )


def _waits(principal: Principal, language: str) -> Iterator[Need]:
    """Waits for memory or an engine end by themselves; who may run things may ask again sooner."""
    if not allowed(principal, "solution.run"):
        return
    runs = StageRun.objects.filter(state=RunState.WAITING, wait_kind__in=ASKED_AGAIN).select_related("solution")
    for run in _of_live_solutions(runs).order_by("created_at")[:MOST]:
        yield Need(
            kind="wait",
            badge="waiting",
            title=_("%(stage)s waits: %(name)s") % {"stage": STAGES.get(run.stage, run.stage), "name": _name(run)},
            detail=run.wait_reason_zh if language == "zh" else run.wait_reason_en,
            address=_address(run),
            at=run.started_at,
            verb="resume",
            run_id=run.id,
        )


def _files(principal: Principal, language: str) -> Iterator[Need]:
    if not allowed(principal, "document.import"):
        return
    refused = versions_readable().filter(state=VersionState.REJECTED, document__erased_at__isnull=True)
    groups = refused.values("document__collection_id", "document__collection__name")
    for group in groups.annotate(n=Count("document_id", distinct=True), at=Max("created_at")).order_by("-at")[:MOST]:
        collection = group["document__collection_id"]
        yield Need(
            kind="files",
            badge="failed",
            title=ngettext(
                "%(count)s file could not be read in “%(name)s”",
                "%(count)s files could not be read in “%(name)s”",
                group["n"],
            )
            % {"count": group["n"], "name": group["document__collection__name"]},
            detail=_("Each is listed with its reason; correct it and send it again."),
            address=link("collection", collection),
            at=group["at"],
        )


def _invitations(principal: Principal) -> Iterator[Need]:
    if not allowed(principal, "member.manage"):
        return
    now = timezone.now()
    open_ones = Invitation.objects.filter(accepted_at__isnull=True, expires_at__gt=now)
    found = open_ones.aggregate(n=Count("id"), at=Max("created_at"))
    if found["n"]:
        yield Need(
            kind="invitation",
            badge="waiting",
            title=ngettext(
                "%(count)s invitation is not accepted yet", "%(count)s invitations are not accepted yet", found["n"]
            )
            % {"count": found["n"]},
            detail="",
            address=link("members"),
            at=found["at"],
        )


def _drafts(principal: Principal, language: str) -> Iterator[Need]:
    if not allowed(principal, "solution.create"):
        return
    titles = Titles(language)
    for draft in drafts_open()[:3]:
        name = draft.name or titles.scenario(draft.industry, draft.scenario)
        yield Need(
            kind="draft",
            badge="draft",
            title=_("“%(name)s” is not started yet") % {"name": name},
            detail=_("Your draft: go on where you left it."),
            address=reverse("wizard_resume", args=[draft.id]),
            at=draft.updated_at,
        )


def _of_live_solutions(runs: QuerySet[StageRun]) -> QuerySet[StageRun]:
    return runs.exclude(solution__archived_at__isnull=False)


def _name(run: StageRun) -> str:
    return run.solution.name if run.solution else str(run.spec.get("collection") or run.spec.get("source", ""))


def _address(run: StageRun) -> str:
    if run.solution_id is not None and run.pipeline_id is not None:
        return reverse("solution", args=[run.solution_id])
    return reverse("run", args=[run.id])
