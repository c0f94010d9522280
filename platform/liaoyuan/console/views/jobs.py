"""The jobs of all organizations, and one of them."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.console import services
from liaoyuan.console.audit import look_record
from liaoyuan.console.door import OperatorRequest, back, console_page, show
from liaoyuan.console.forms import JobFilter
from liaoyuan.console.selectors import runs
from liaoyuan.errors import NotFound

VERBS = {"cancel": services.run_cancel, "retry": services.run_retry, "requeue": services.run_requeue}


@console_page()
def jobs(request: OperatorRequest) -> HttpResponse:
    form = JobFilter(request.GET or None)
    filters = form.filters()
    page = runs.run_page(filters)
    if filters.organization is not None:
        look_record(
            actor=request.user.id,
            action="console.jobs",
            about=filters.organization,
            object_kind="organization",
            object_id=filters.organization,
        )
    kept = {key: str(value) for key, value in request.GET.items() if value and key not in {"before", "after"}}
    context = {
        "form": form,
        "page": page,
        "counts": runs.state_counts(filters),
        "newer": _address(kept, after=page.newer),
        "older": _address(kept, before=page.older),
        "kept": kept,
        "filtered": bool(kept),
    }
    return show(request, "console/jobs.html", context)


@console_page()
def job(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    return show(request, "console/job.html", _job(request, run_id))


@console_page()
def job_live(request: OperatorRequest, run_id: UUID) -> HttpResponse:
    return show(request, "console/job_live.html", _job(request, run_id))


@console_page("POST")
def job_steer(request: OperatorRequest, run_id: UUID, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise NotFound
    state = VERBS[verb](operator=request.user.id, run_id=run_id)
    messages.success(request, _("Done: the job is now “{state}”.").format(state=state))
    return back(request, reverse("console_job", args=[run_id]))


def _job(request: OperatorRequest, run_id: UUID) -> dict[str, Any]:
    organization = runs.run_organization(run_id)
    look_record(
        actor=request.user.id,
        action="console.job",
        about=organization.id,
        object_kind="stage_run",
        object_id=run_id,
    )
    return {"job": runs.run_shown(run_id, operator=request.user.id)}


def _address(kept: dict[str, str], **cursor: str) -> str:
    """The address of a neighbouring page; empty where there is none."""
    return f"?{urlencode(kept | cursor)}" if all(cursor.values()) else ""
