"""Training: runs with their numbers, recipes, base models and the models that came out."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Status

from liaoyuan.api.rest.door import ApiRequest, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import path_of, run_out
from liaoyuan.api.rest.problems import request_language
from liaoyuan.api.rest.rows import narrowed, one, within_groups
from liaoyuan.api.rest.schemas.made import (
    BaseModelOut,
    ModelVersionOut,
    RecipeOut,
    TrainingNew,
    TrainingRunDetail,
    TrainingRunOut,
    TrainingRunsQuery,
)
from liaoyuan.api.rest.schemas.work import Newer, Started
from liaoyuan.data.models import DatasetVersion
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.selectors import artifact_get
from liaoyuan.pipeline.services import stage_run_start
from liaoyuan.training.models import BaseModel, ModelVersion, TrainingRun
from liaoyuan.training.schemas import RECIPES, recipe_named

router = Router(tags=["training"])


@operation(router, "GET", "/training-recipes", action="model.view", tenant=False, response=list[RecipeOut])
def recipes_list(request: ApiRequest) -> list[RecipeOut]:
    """The ways to train that the platform ships; a scenario's own pack may name another."""
    return [RecipeOut(name=name, body=recipe.model_dump(mode="json")) for name, recipe in sorted(RECIPES.items())]


@operation(router, "GET", "/base-models", action="model.view", response=Page[BaseModelOut])
def bases_list(request: ApiRequest, response: HttpResponse, query: Query[Newer]) -> Page[BaseModelOut]:
    """The weights that this installation has trained on."""
    return page(request, response, query, BaseModel.objects.all(), BaseModelOut.from_orm, sort=query.sort)


@operation(router, "GET", "/models", action="model.view", response=Page[ModelVersionOut])
def models_list(request: ApiRequest, response: HttpResponse, query: Query[TrainingRunsQuery]) -> Page[ModelVersionOut]:
    """The adapters that are better than their base."""
    rows = narrowed(_models(), dataset_version_id=query.dataset_version_id)
    return page(request, response, query, rows, _model, sort=query.sort)


@operation(router, "GET", "/models/{model_id}", action="model.view", response=ModelVersionOut)
def model_show(request: ApiRequest, model_id: UUID) -> ModelVersionOut:
    """One adapter with its measurements and its parity."""
    return _model(one(_models(), id=model_id))


@operation(router, "GET", "/training-runs", action="model.view", response=Page[TrainingRunOut])
def trainings_list(
    request: ApiRequest, response: HttpResponse, query: Query[TrainingRunsQuery]
) -> Page[TrainingRunOut]:
    """Finished trainings; one that still runs is a run of the stage `training`."""
    rows = narrowed(_trainings(), dataset_version_id=query.dataset_version_id)
    return page(request, response, query, rows, lambda row: TrainingRunOut(**_fields(row)), sort=query.sort)


@operation(router, "POST", "/training-runs", action="training.run", response={202: Started})
def training_start(request: ApiRequest, body: TrainingNew, response: HttpResponse) -> "Status[Started]":
    """Train on a dataset version, beside its solution's pipeline."""
    version = one(within_groups(DatasetVersion.objects.all()), id=body.dataset_version_id)
    chosen: dict[str, Any] = {"recipe": body.recipe} | ({} if body.seed is None else {"seed": body.seed})
    recipe_named(body.recipe)
    artifact = artifact_get(version.id)
    run = stage_run_start(
        stage=StageName.TRAINING,
        solution_id=artifact.run.solution_id if artifact.run else None,
        spec={"training": chosen, "inputs": {"dataset_version": str(version.id)}},
    )
    response["Location"] = path_of("runs", run.id)
    return Status(202, Started(pipeline_id=None, runs=[run_out(run, request_language(request))]))


@operation(router, "GET", "/training-runs/{training_id}", action="model.view", response=TrainingRunDetail)
def training_show(request: ApiRequest, training_id: UUID) -> TrainingRunDetail:
    """One training with every loss, the evaluation against the base, and the parity with the server."""
    found = one(_trainings(), id=training_id)
    return TrainingRunDetail(**_fields(found), recipe=found.recipe, report=found.report, parity=found.parity)


def _models() -> Any:
    return within_groups(ModelVersion.objects.select_related("base"))


def _trainings() -> Any:
    """What was learnt from documents that the caller may not read is not told."""
    versions = within_groups(DatasetVersion.objects.all()).values("id")
    return TrainingRun.objects.select_related("base").filter(dataset_version_id__in=versions)


def _model(found: ModelVersion) -> ModelVersionOut:
    names = [name for name in ModelVersionOut.model_fields if name not in {"base", "base_id"}]
    return ModelVersionOut(
        **{name: getattr(found, name) for name in names}, base_id=found.base_id, base=found.base.name
    )


def _fields(found: TrainingRun) -> dict[str, Any]:
    return {
        "id": found.id,
        "run_id": found.run_id,
        "base_id": found.base_id,
        "base": found.base.name,
        "dataset_version_id": found.dataset_version_id,
        "model_version_id": found.model_version_id,
        "seconds": found.seconds,
        "tokens": found.tokens,
        "tokens_per_second": found.tokens / found.seconds if found.seconds > 0 else 0.0,
        "peak_memory_mb": found.peak_memory_mb,
        "created_at": found.created_at,
    }
