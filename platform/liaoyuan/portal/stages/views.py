"""The six stage pages. Each has its own door, since a role may see some of them and not others."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from liaoyuan.accounts.services import audit_record
from liaoyuan.deployment import services
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.contract import StageName
from liaoyuan.portal.door import PageRequest, language, page
from liaoyuan.portal.stages.export import csv_response, jsonl_response
from liaoyuan.portal.stages.selectors.compute import compute_page, misfit_advice
from liaoyuan.portal.stages.selectors.data import data_page, download_rows, download_table
from liaoyuan.portal.stages.selectors.deployment import deployment_of, deployment_page
from liaoyuan.portal.stages.selectors.frame import Frame, run_log, stage_frame
from liaoyuan.portal.stages.selectors.operations import EXPORT_HEAD, export_rows, operations_page, period_of
from liaoyuan.portal.stages.selectors.security import security_page
from liaoyuan.portal.stages.selectors.training import training_page
from liaoyuan.training.selectors import live_curve


def stage(request: HttpRequest, solution_id: UUID, stage: str) -> HttpResponseBase:
    """The page of one stage: to the door of its own."""
    return PAGES[stage](request, solution_id)


def stage_head(request: HttpRequest, solution_id: UUID, stage: str) -> HttpResponseBase:
    """The live part of one stage's page."""
    return HEADS[stage](request, solution_id)


@page("run.view")
def compute(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.COMPUTE)
    found = {"page": compute_page(frame, timezone.now()), "misfit": misfit_advice(frame)}
    return _shown(request, frame, found)


@page("dataset.view")
def data(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.DATA)
    return _shown(request, frame, {"page": data_page(frame, request.GET)})


@page("model.view")
def training(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.TRAINING)
    return _shown(request, frame, {"page": training_page(frame, _id(request, "with"))})


@page("deployment.view")
def deployment(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.DEPLOYMENT)
    origin = f"{request.scheme}://{request.get_host()}"
    return _shown(request, frame, {"page": deployment_page(frame, request.principal, origin)})


@page("security.view")
def security(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.SECURITY)
    return _shown(request, frame, {"page": security_page(frame, request.principal, language())})


@page("operations.view")
def operations(request: PageRequest, solution_id: UUID) -> HttpResponse:
    frame = _frame(request, solution_id, StageName.OPERATIONS)
    days = period_of(request.GET.get("days", ""))
    return _shown(request, frame, {"page": operations_page(frame, request.principal, days), "days": days})


@page("run.view")
def compute_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.COMPUTE)


@page("dataset.view")
def data_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.DATA)


@page("model.view")
def training_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.TRAINING)


@page("deployment.view")
def deployment_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.DEPLOYMENT)


@page("security.view")
def security_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.SECURITY)


@page("operations.view")
def operations_head(request: PageRequest, solution_id: UUID) -> HttpResponse:
    return _head(request, solution_id, StageName.OPERATIONS)


@page("model.view")
def training_curve(request: PageRequest, solution_id: UUID) -> JsonResponse:
    """The steps of a run after the step ``after``: what the live chart adds."""
    frame = _frame(request, solution_id, StageName.TRAINING)
    after = request.GET.get("after", "0")
    points = live_curve(frame.run.id, after=int(after) if after.isdigit() else 0) if frame.run else []
    return JsonResponse({"points": points})


@page("dataset.view")
def data_download(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """The samples that the reader may see, as ``format`` jsonl or csv; who took them away stands in the audit."""
    frame = _frame(request, solution_id, StageName.DATA)
    version, rows = download_rows(frame, request.GET.dict())
    form = "csv" if request.GET.get("format") == "csv" else "jsonl"
    audit_record(
        action="dataset.download",
        object_kind="dataset_version",
        object_id=version.id,
        detail={"format": form, "samples": len(rows)},
    )
    name = f"dataset-{version.number}"
    return csv_response(name, *download_table(rows)) if form == "csv" else jsonl_response(name, rows)


@page("deployment.rollback", methods=("POST",))
def deployment_rollback(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """All traffic back to an earlier deployment of this solution."""
    chosen = deployment_of(solution_id, request.POST.get("deployment", ""))
    services.deployment_rollback(principal=request.principal, deployment_id=chosen.id)
    said = _("All questions go to bundle %(number)s now.") % {"number": chosen.bundle.number}
    messages.success(request, said)
    return HttpResponseRedirect(reverse("stage", args=[solution_id, StageName.DEPLOYMENT]))


@page("operations.view")
def operations_export(request: PageRequest, solution_id: UUID) -> HttpResponse:
    """The days of the chosen period as a file."""
    frame = _frame(request, solution_id, StageName.OPERATIONS)
    days = period_of(request.GET.get("days", ""))
    return csv_response(f"operations-{days}d", EXPORT_HEAD, export_rows(frame.solution.id, days))


def _frame(request: PageRequest, solution_id: UUID, stage: str) -> Frame:
    return stage_frame(solution_id, stage, request.principal, language(), run_id=_id(request, "run"))


def _id(request: HttpRequest, name: str) -> UUID | None:
    """An identifier of the query; none at all where nothing was asked for. Raises NotFound for anything else."""
    text = request.GET.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NotFound from error


def _shown(request: PageRequest, frame: Frame, found: Mapping[str, object]) -> HttpResponse:
    log = run_log(frame.run.row, language()) if frame.run else []
    return render(request, f"portal/stages/{frame.stage}.html", {"frame": frame, "log": log, **found})


def _head(request: PageRequest, solution_id: UUID, stage: str) -> HttpResponse:
    """The tabs and the run's card. Where its ``data-state`` is another one, the page's script loads the whole page."""
    return render(request, "portal/stages/head.html", {"frame": _frame(request, solution_id, stage)})


View = Callable[..., HttpResponseBase]
PAGES: Final[dict[str, View]] = {
    StageName.COMPUTE: compute,
    StageName.DATA: data,
    StageName.TRAINING: training,
    StageName.DEPLOYMENT: deployment,
    StageName.SECURITY: security,
    StageName.OPERATIONS: operations,
}
HEADS: Final[dict[str, View]] = {
    StageName.COMPUTE: compute_head,
    StageName.DATA: data_head,
    StageName.TRAINING: training_head,
    StageName.DEPLOYMENT: deployment_head,
    StageName.SECURITY: security_head,
    StageName.OPERATIONS: operations_head,
}
