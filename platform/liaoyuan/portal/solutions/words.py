"""The words and addresses that pages about solutions and runs share."""

from collections.abc import Mapping
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.waits import APPROVAL, ASKED_AGAIN, DEPENDENCY
from liaoyuan.portal.stages.words import TITLES

STAGES: Final[dict[str, Any]] = {
    **TITLES,
    StageName.INGEST: _("Import documents"),
    StageName.EVALUATE: _("Evaluate"),
    StageName.REINDEX: _("Rebuild the index"),
    StageName.SYNC: _("Synchronize a source"),
}


class Titles:
    """The packs' own titles in the reader's language; a pack's name where it is gone or refused.

    Reading a pack means verifying it, so that a page makes one of these and asks it for all of its solutions.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._packs: dict[str, IndustryPack | None] = {}

    def industry(self, name: str) -> str:
        pack = self._pack(name)
        return pack.spec.title.in_language(self.language) if pack else name

    def scenario(self, industry: str, name: str) -> str:
        pack = self._pack(industry)
        found = pack.scenarios.get(name) if pack else None
        return found.title.in_language(self.language) if found else name

    def _pack(self, name: str) -> IndustryPack | None:
        if name not in self._packs:
            try:
                self._packs[name] = industry_get(name)
            except IndustryError:
                self._packs[name] = None
        return self._packs[name]


def link(route: str, *parts: Any) -> str:
    """The address of a page of another area; empty where this build does not have it."""
    try:
        return reverse(route, args=parts)
    except NoReverseMatch:
        return ""


def in_language(words: Mapping[str, Any], name: str, language: str) -> str:
    """``name_zh`` or ``name_en`` of something that the ledger wrote in both."""
    return str(words.get(f"{name}_{language}") or "")


def verbs(run: StageRun, principal: Principal) -> tuple[str, ...]:
    """What the reader may do to the run now; the services ask the policy table again."""
    waits = run.state == RunState.WAITING
    possible = {
        "approve": waits and run.wait_kind == APPROVAL and allowed(principal, "deployment.approve"),
        "resume": waits and run.wait_kind in ASKED_AGAIN and allowed(principal, "solution.run"),
        "retry": run.state in FINAL_STATES - {RunState.SUCCEEDED} and allowed(principal, "run.retry"),
        "cancel": _stands_alone(run) and allowed(principal, "run.cancel"),
    }
    return tuple(verb for verb, may in possible.items() if may)


def _stands_alone(run: StageRun) -> bool:
    """Whether there is something to cancel here: what waits for the stage before it ends with that one."""
    if run.state in FINAL_STATES | {RunState.CANCELLING}:
        return False
    return not (run.state == RunState.WAITING and run.wait_kind == DEPENDENCY and run.position > 0)


def tells_files(run: StageRun, principal: Principal) -> bool:
    """Whether the reader may know what an import says of its files: their names are documents' names."""
    if run.stage not in {StageName.INGEST, StageName.SYNC}:
        return True
    return principal.document_groups is None or run.requested_by == principal.user_id


def seconds_between(run: StageRun) -> float | None:
    """How long the last attempt took; None while it goes on or before it began."""
    if run.started_at is None or run.finished_at is None or run.state not in FINAL_STATES:
        return None
    return max((run.finished_at - run.started_at).total_seconds(), 0.0)


def duration(seconds: float | None) -> str:
    """How long, for people: "0.4 s", "48 s", "3 min 20 s", "1 h 5 min"; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return gettext("%(s)s s") % {"s": f"{seconds:.1f}"}
    whole = round(seconds)
    if whole < 60:
        return gettext("%(s)s s") % {"s": whole}
    if whole < 3600:
        return gettext("%(m)s min %(s)s s") % {"m": whole // 60, "s": whole % 60}
    return gettext("%(h)s h %(m)s min") % {"h": whole // 3600, "m": whole % 3600 // 60}
