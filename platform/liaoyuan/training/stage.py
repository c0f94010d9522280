"""Stage 3: a LoRA adapter from a dataset version, measured against its base, served as it was trained — or none."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import LiaoyuanError
from liaoyuan.industry.selectors import scenario_get
from liaoyuan.pipeline.adapters.model_server import BASE_MODEL, ModelServerClient, ModelServerDown
from liaoyuan.pipeline.base_models import base_model, base_model_path
from liaoyuan.pipeline.contract import (
    ArtifactRef,
    Artifacts,
    NewArtifact,
    SolutionSpec,
    StageContext,
    StageName,
    StagePlan,
    WaitFor,
)
from liaoyuan.pipeline.storage import file_sha256, storage
from liaoyuan.training.adapters.process import process_run
from liaoyuan.training.models import BaseModel, TrainingRun
from liaoyuan.training.parity import ParityReport, Reference, parity_measure
from liaoyuan.training.schemas import Recipe, recipe_named
from liaoyuan.training.selectors import tokens_per_second_learned, training_run_by_key
from liaoyuan.training.services import (
    base_model_ensure,
    base_model_trace,
    lineage_parents,
    model_version_create,
    training_run_create,
)
from liaoyuan.training.words import sentence

# Raised whenever the engine comes to make something else of the same input.
ENGINE_VERSION = 1
ADAPTER, REFERENCES, REPORT = "adapter.gguf", "references.json", "report.json"
FIRST_SECONDS = 150.0
# Weights in float32, activations and libraries: the measured peak at a batch of 1,024 tokens, rounded up.
MEMORY_BYTES = 4 << 30
CHILD_SHARE = 0.8


@dataclass(frozen=True)
class _Plan:
    """What one run is about, fixed before anything slow starts."""

    dataset: ArtifactRef
    base: BaseModel
    recipe: Recipe
    key: str


@dataclass(frozen=True)
class _Made:
    """What came out: the child's report, parity, and the folder with the adapter."""

    report: dict[str, Any]
    parity: ParityReport
    output: Path

    @property
    def serves(self) -> bool:
        """Better than its base, and the server says what training said."""
        return bool(self.report["verdict"]["adapter_better"]) and self.parity.passed


class TrainingStage:
    """Takes a DatasetVersion, the base and a recipe; gives a report, and a ModelVersion where the adapter is better.

    Without one, deployment serves the base with retrieval alone; the report says why, with the numbers.
    """

    name: ClassVar[StageName] = StageName.TRAINING
    queue: ClassVar[str] = "train"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        """Seconds from past runs' speed over the recipe's tokens; memory as measured."""
        recipe = recipe_of(pack_recipe(solution) | dict(solution.options.get("training", {})))
        with tenant_context(solution.organization_id):
            speed = tokens_per_second_learned()
        tokens = recipe.max_steps * recipe.batch_tokens
        return StagePlan(
            summary_zh=f"LoRA 训练（配方 {recipe.name}，秩 {recipe.rank}，至多 {tokens} 词元），评测与一致性核对",
            summary_en=f"LoRA (recipe {recipe.name}, rank {recipe.rank}, at most {tokens} tokens), evaluation, parity",
            seconds=tokens / speed if speed else FIRST_SECONDS,
            memory_bytes=MEMORY_BYTES,
        )

    def run(self, context: StageContext) -> Artifacts:
        """Reuse an equal training, or train, export, prove parity and register."""
        plan = _plan(context)
        with tenant_context(context.solution.organization_id):
            found = training_run_by_key(plan.key)
            if found is not None:
                return _reused(found)
        with _server() as server:
            _refuse_missing_server(server)
            report = _train(context, plan)
            parity = _parity(context, server)
        return _artifacts(context, plan, _Made(report, parity, _output(context)))


def recipe_of(chosen: Mapping[str, Any]) -> Recipe:
    """The recipe that ``{"recipe": NAME, field: value…}`` names. Raises RecipeUnknown, RecipeInvalid."""
    changes = dict(chosen)
    return recipe_named(str(changes.pop("recipe", "default")), **changes)


def pack_recipe(solution: SolutionSpec) -> dict[str, Any]:
    """The scenario's training parameters under the recipe's names; empty for a run without a scenario."""
    if not solution.industry:
        return {}
    params = scenario_get(solution.industry, solution.scenario).training.params
    return {
        "rank": params.rank,
        "alpha": params.alpha,
        "targets": params.target_modules,
        "learning_rate": params.learning_rate,
        "warmup": params.warmup_ratio,
        "weight_decay": params.weight_decay,
        "max_steps": params.max_steps,
        "batch_tokens": params.batch_size * params.gradient_accumulation * params.max_length,
        "max_length": params.max_length,
        "seed": params.seed,
        "max_seconds": params.time_budget_seconds,
    }


def _plan(context: StageContext) -> _Plan:
    dataset = context.require("dataset_version")
    chosen = dict(context.solution.options.get("training", {})) | dict(context.spec.get("training", {}))
    recipe = recipe_of(chosen if "recipe" in chosen else pack_recipe(context.solution) | chosen)
    file = base_model()
    sha256 = file_sha256(file.path)
    with tenant_context(context.solution.organization_id):
        base = base_model_ensure(file=file, sha256=sha256)
        base_model_trace(base=base)
    return _Plan(dataset, base, recipe, training_key(dataset.sha256, sha256, recipe))


def training_key(dataset_sha256: str, base_sha256: str, recipe: Recipe) -> str:
    """What decides a training's result, as one SHA-256."""
    body = [dataset_sha256, base_sha256, recipe.digest(), ENGINE_VERSION]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def _server() -> ModelServerClient:
    return ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN)


def _refuse_missing_server(server: ModelServerClient) -> None:
    """Parity needs the server; better to wait now than after minutes of training."""
    try:
        server.health()
    except ModelServerDown as error:
        raise _wait(error) from error


def _wait(error: LiaoyuanError) -> WaitFor:
    return WaitFor(kind="engine", reason_zh=error.sentence("zh"), reason_en=error.sentence("en"))


def _output(context: StageContext) -> Path:
    """Beside the checkpoint: an attempt that was killed after training leaves it to the next."""
    return context.checkpoint_dir / "output"


def _train(context: StageContext, plan: _Plan) -> dict[str, Any]:
    """The child's report; one that an earlier attempt finished is taken as it is."""
    output = _output(context)
    done = output / REPORT
    if done.exists():
        report: dict[str, Any] = json.loads(done.read_text())
        return report
    output.mkdir(parents=True, exist_ok=True)
    report = process_run(
        _job(context, plan, output),
        log=context.workdir / "trainer.log",
        progress=lambda fraction, step, numbers: _tell(context, fraction * CHILD_SHARE, step, numbers),
        cancelled=context.cancelled,
    )
    draft = done.with_suffix(".part")
    draft.write_text(json.dumps(report, ensure_ascii=False))
    draft.replace(done)
    return report


def _tell(context: StageContext, fraction: float, step: str, numbers: dict[str, Any]) -> None:
    context.progress(fraction, *sentence(step, numbers), **numbers)


def _job(context: StageContext, plan: _Plan, output: Path) -> str:
    body = {
        "dataset": storage().open_path(plan.dataset.uri),
        "gguf": base_model_path(),
        "cache": Path(settings.VAR) / "models" / "unpacked",
        "output": output,
        "checkpoint": context.checkpoint_dir / "loop",
        "name": f"{context.solution.industry} {context.solution.scenario}".strip(),
        "recipe": plan.recipe.model_dump(mode="json"),
    }
    return json.dumps(body, default=str)


def _parity(context: StageContext, server: ModelServerClient) -> ParityReport:
    """Serve the adapter under a passing name for as long as it takes to compare; deployment serves the stored file."""
    output = _output(context)
    references = [Reference(**row) for row in json.loads((output / REFERENCES).read_text())]
    name = f"parity-{context.run_id}-{context.fence}"
    path = output / ADAPTER

    def pulse(share: float) -> None:
        """Tell how far it is; this is also where a cancelled run stops."""
        _tell(context, CHILD_SHARE + (1.0 - CHILD_SHARE) * share, "parity", {})

    try:
        server.adapter_load(name, path, file_sha256(path))
        try:
            return parity_measure(server, adapter=name, base=BASE_MODEL, references=references, pulse=pulse)
        finally:
            server.adapter_remove(name)
    except ModelServerDown as error:
        raise _wait(error) from error


def _artifacts(context: StageContext, plan: _Plan, made: _Made) -> Artifacts:
    with tenant_context(context.solution.organization_id):
        parents = lineage_parents(base_id=plan.base.id, dataset_version_id=plan.dataset.id)
    version = _version(plan, made, parents) if made.serves else None
    numbers = result_of(made)
    path = context.workdir / "training-report.json"
    body = {"report": made.report, "parity": made.parity.as_dict(), "result": numbers}
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    run = NewArtifact("training_report", plan.base.name, parents, path=path, meta=numbers)
    row = {
        "run_id": context.run_id,
        "dataset_version_id": plan.dataset.id,
        "key_sha256": plan.key,
        "recipe": made.report["recipe"],
        "report": made.report,
        "parity": made.parity.as_dict(),
        "model_version_id": version.id if version else None,
        "seconds": made.report["seconds"],
        "tokens": made.report["training"]["tokens"],
        "peak_memory_mb": made.report["peak_memory_mb"],
    }
    run = replace(run, save=lambda ref: _save_run(ref, plan.base.id, row))
    zh, en = summary(made)
    identity = {"model_version": str(version.id) if version else None, "training_run": str(run.id)}
    items = (version, run) if version else (run,)
    return Artifacts(items=items, result=identity | numbers, summary_zh=zh, summary_en=en)


def _version(plan: _Plan, made: _Made, parents: tuple[Any, ...]) -> NewArtifact:
    """The adapter as an artifact. Deployment reads adapter_name, adapter_sha256 and gates from its meta."""
    path = made.output / ADAPTER
    digest = file_sha256(path)
    name = f"lora-{digest[:16]}"
    groups = sorted(str(group) for group in plan.dataset.meta.get("groups", []))
    numbers = result_of(made)
    meta = {
        "adapter_name": name,
        "adapter_sha256": digest,
        "adapter_file": ADAPTER,
        "base": plan.base.name,
        "base_sha256": plan.base.sha256,
        "groups": groups,
        "gates": gate_numbers(made),
    }
    row = {
        "dataset_version_id": plan.dataset.id,
        "name": name,
        "adapter_sha256": digest,
        "metrics": numbers,
        "parity": made.parity.as_dict(),
        "groups": groups,
    }
    return NewArtifact(
        "model_version",
        name,
        parents,
        id=uuid4(),
        path=path,
        meta=meta,
        save=lambda ref: _save_version(ref, plan.base.id, row),
    )


def _save_version(ref: ArtifactRef, base_id: UUID, row: dict[str, Any]) -> None:
    model_version_create(ref=ref, base_id=base_id, made=row)


def _save_run(ref: ArtifactRef, base_id: UUID, row: dict[str, Any]) -> None:
    training_run_create(ref=ref, base_id=base_id, made=row)


def gate_numbers(made: _Made) -> dict[str, float]:
    """What training measured, under the names that the packs' gates use."""
    scores = made.report["evaluation"]
    return {
        "parity_first_token": made.parity.first_share,
        "parity_greedy": made.parity.greedy_share,
        "forgetting_ratio": made.report["forgetting"]["ratio"],
        "heldout_loss_ratio": scores["tuned"]["loss"] / scores["base"]["loss"],
    }


def result_of(made: _Made) -> dict[str, Any]:
    """The run's numbers in short; the report artifact has them all."""
    training, parity = made.report["training"], made.parity.as_dict()
    parity.pop("rows")
    return {
        "verdict": made.report["verdict"] | {"serves": made.serves},
        "losses": [round(point["loss"], 4) for point in training["curve"]],
        "steps": training["steps"],
        "stopped_by": training["stopped_by"],
        "resumed_from": training["resumed_from"],
        "tokens": training["tokens"],
        "tokens_per_second": training["tokens_per_second"],
        "training_seconds": training["seconds"],
        "seconds": made.report["seconds"],
        "cpu_seconds": made.report["cpu_seconds"],
        "peak_memory_mb": made.report["peak_memory_mb"],
        "precision": made.report["precision"],
        "samples": made.report["samples"] | {"too_long": len(made.report["samples"]["too_long"])},
        "evaluation": made.report["evaluation"],
        "forgetting": made.report["forgetting"],
        "parity": parity,
        "gates": gate_numbers(made),
    }


def summary(made: _Made) -> tuple[str, str]:
    """One line (zh, en) with the numbers behind the verdict."""
    verdict, parity = made.report["verdict"], made.parity
    shares = f"{parity.first_share:.0%} / {parity.greedy_share:.0%}"
    zh, en = f"{verdict['summary_zh']}；一致性 {shares}", f"{verdict['summary_en']}; parity {shares}"
    if verdict["adapter_better"] and not parity.passed:
        zh, en = f"{zh} 未达标，改用仅检索", f"{en} is not enough: RAG alone is served"
    return zh, en


def _reused(found: TrainingRun) -> Artifacts:
    """Equal data, base, recipe and seed: the training that was, named again."""
    parents = lineage_parents(base_id=found.base_id, dataset_version_id=found.dataset_version_id)
    items = [NewArtifact("training_report", "training", parents, id=found.id)]
    if found.model_version_id:
        items.insert(0, NewArtifact("model_version", "adapter", parents, id=found.model_version_id))
    made = _Made(found.report, ParityReport(**found.parity), Path())
    identity = {
        "model_version": str(found.model_version_id) if found.model_version_id else None,
        "training_run": str(found.id),
    }
    zh, en = summary(made)
    return Artifacts(
        items=tuple(items),
        result=identity | result_of(made),
        summary_zh=f"复用已有训练（数据、基础模型、配方与种子均未变化）：{zh}",
        summary_en=f"Training reused (same data, base, recipe and seed): {en}",
        reused=True,
    )
