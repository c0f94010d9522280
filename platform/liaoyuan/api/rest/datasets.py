"""Curated data: datasets, their versions, the samples and what was dropped on the way."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponse
from ninja import Query, Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page, slice_of
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one, within_groups
from liaoyuan.api.rest.schemas.made import (
    DataRun,
    DatasetOut,
    DatasetsQuery,
    DatasetVersionDetail,
    DatasetVersionOut,
    DatasetVersionsQuery,
    DropsQuery,
    Rows,
    SplitQuery,
)
from liaoyuan.api.rest.schemas.work import Started
from liaoyuan.data.models import Dataset, DatasetVersion
from liaoyuan.data.selectors import curation_rows, rows_readable, version_rows
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.selectors import artifact_get
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.pipeline.storage import storage

router = Router(tags=["data"])
LINES = {
    "responses": {
        200: {"content": {"application/jsonl": {"schema": {"type": "string", "examples": ['{"id": "…"}\n']}}}}
    }
}


@operation(router, "GET", "/datasets", action="dataset.view", response=Page[DatasetOut])
def datasets_list(request: ApiRequest, response: HttpResponse, query: Query[DatasetsQuery]) -> Page[DatasetOut]:
    """The names under which dataset versions follow each other."""
    rows = narrowed(Dataset.objects.all(), name__icontains=query.q)
    return page(request, response, query, rows, DatasetOut.from_orm, sort=query.sort)


@operation(router, "POST", "/datasets", action="data.run", response={202: Started})
def dataset_make(request: ApiRequest, body: DataRun, response: HttpResponse) -> "Status[Started]":
    """Curate a solution's documents by its recipe, beside its pipeline. The same inputs give the same version again."""
    run = stage_run_start(stage=StageName.DATA, solution_id=body.solution_id)
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "GET", "/dataset-versions", action="dataset.view", response=Page[DatasetVersionOut])
def dataset_versions(
    request: ApiRequest, response: HttpResponse, query: Query[DatasetVersionsQuery]
) -> Page[DatasetVersionOut]:
    """Immutable versions, those of one dataset if it is named."""
    rows = narrowed(_versions(), dataset_id=query.dataset_id)
    return page(request, response, query, rows, lambda row: DatasetVersionOut(**_fields(row)), sort=query.sort)


@operation(router, "GET", "/dataset-versions/{version_id}", action="dataset.view", response=DatasetVersionDetail)
def dataset_version_show(request: ApiRequest, version_id: UUID) -> DatasetVersionDetail:
    """One version with its recipe and what each operator kept and dropped."""
    found = one(_versions(), id=version_id)
    return DatasetVersionDetail(**_fields(found), recipe=found.recipe, trace=found.trace)


@operation(router, "GET", "/dataset-versions/{version_id}/samples", action="dataset.view", response=Rows)
def dataset_samples(request: ApiRequest, version_id: UUID, query: Query[SplitQuery]) -> Rows:
    """The samples in order; those from documents that the caller may not read are left out and counted."""
    found = version_rows(one(_versions(), id=version_id).id)
    wanted = [row for row in found if query.split in (None, row.get("split"))]
    return _shown(request, query, wanted, version_id)


@operation(router, "GET", "/dataset-versions/{version_id}/drops", action="dataset.view", response=Rows)
def dataset_drops(request: ApiRequest, version_id: UUID, query: Query[DropsQuery]) -> Rows:
    """What was dropped on the way, by which operator and why."""
    found = curation_rows(one(_versions(), id=version_id).id, "drops")
    wanted = [row for row in found if query.operator in (None, row.get("operator"))]
    return _shown(request, query, wanted, version_id)


@operation(router, "GET", "/dataset-versions/{version_id}/download", action="dataset.view", extra=LINES)
def dataset_download(request: ApiRequest, version_id: UUID) -> FileResponse:
    """The whole version as JSON Lines, for those who may read every document behind it."""
    version = one(_versions(), id=version_id)
    rows = version_rows(version.id)
    if len(rows_readable(rows, version.id)) < len(rows):
        raise NotFound
    path = storage().open_path(artifact_get(version.id).uri)
    name = f"{version.dataset.name}-{version.number}.jsonl"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/jsonl")


def _versions() -> Any:
    return within_groups(DatasetVersion.objects.select_related("dataset"))


def _fields(version: DatasetVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "dataset_id": version.dataset_id,
        "name": version.dataset.name,
        "number": version.number,
        "sha256": version.sha256,
        "counts": version.counts,
        "groups": version.groups,
        "created_at": version.created_at,
    }


def _shown(request: ApiRequest, query: SplitQuery | DropsQuery, rows: Sequence[dict[str, Any]], version: UUID) -> Rows:
    readable = rows_readable(rows, version)
    items, following = slice_of(request, query, readable)
    return Rows(items=items, withheld=len(rows) - len(readable), next=following)
