"""Stage 4: a bundle, its gates, a named person's approval, a deployment on a route."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

from django.conf import settings

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.bundles import BundleParts, bundle_parts
from liaoyuan.deployment.errors import GatesFailed
from liaoyuan.deployment.examination import examine
from liaoyuan.deployment.gates import GateResult, gates_check, gates_passed
from liaoyuan.deployment.services import bundle_create, deployment_create, gate_report_create, route_point
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.questions.gate import SetMeasured, sets_digest, sets_measure
from liaoyuan.knowledge.questions.measures import failed
from liaoyuan.knowledge.selectors import versions_in_force
from liaoyuan.pipeline.adapters.model_server import ModelServerClient
from liaoyuan.pipeline.contract import (
    ArtifactRef,
    Artifacts,
    NewArtifact,
    Parent,
    SolutionSpec,
    StageContext,
    StageFailed,
    StageName,
    StagePlan,
    WaitFor,
)
from liaoyuan.pipeline.models import Artifact, Solution
from liaoyuan.pipeline.services.lineage import artifact_ref
from liaoyuan.pipeline.storage import storage

# Of a large set the first ones say enough; the whole of it is a page of its own.
MOST_ROWS_OF_A_SET: Final = 200


@dataclass(frozen=True)
class _Measured:
    """A bundle's parts and what its gates said."""

    parts: BundleParts
    documents: Sequence[ArtifactRef]
    model_version: ArtifactRef | None
    report: Mapping[str, Any]


class DeploymentStage:
    """Takes a ModelVersion, the collection, prompts and policy; gives Bundle, GateReport and Deployment."""

    name: ClassVar[StageName] = StageName.DEPLOYMENT
    queue: ClassVar[str] = "evaluate"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan("装载适配器、过门禁、审批、上线", "Load the adapter, pass the gates, approval, go live", 30.0)

    def run(self, context: StageContext) -> Artifacts:
        """Measure once, wait for a person, and go live with exactly what was measured."""
        pack = industry_get(context.solution.industry)
        scenario = pack.scenario(context.solution.scenario)
        measured = self._measure(context, pack, scenario)
        _keep_failed(context, measured.report)
        _refuse_failed(measured.report)
        approval = context.checkpoint.get("approval")
        if not approval:
            kept = {"report": dict(measured.report), "bundle_sha256": measured.parts.sha256}
            raise WaitFor(
                kind="approval",
                reason_zh="门禁已通过，等待所有者批准上线",
                reason_en="The gates are passed; an owner has to approve",
                checkpoint=kept,
            )
        context.progress(0.9, "正在上线", "Going live")
        return self._artifacts(context, measured, approval)

    def _measure(self, context: StageContext, pack: IndustryPack, scenario: ScenarioSpec) -> _Measured:
        """The bundle of now. The kept report stands only for the same bundle: what changed since is measured anew."""
        model_version = context.inputs.get("model_version")
        context.progress(0.1, "正在装载适配器", "Loading the adapter")
        model = adapter_load(model_version) if model_version else ""
        collection_id = _collection(context)
        with tenant_context(context.solution.organization_id):
            documents = _documents(collection_id)
            parts = bundle_parts(
                pack=pack,
                scenario=scenario,
                collection_id=collection_id,
                documents=documents,
                model_version=model_version,
                model=model,
            )
            named = [gate.questions for gate in scenario.gates if gate.questions]
            asked = sets_digest(collection_id, named)
            if context.checkpoint.get("bundle_sha256") == parts.sha256 and asked == _asked_before(context):
                return _Measured(parts, documents, model_version, context.checkpoint["report"])
            context.progress(0.3, "正在过门禁", "Passing the gates")
            dataset = context.inputs.get("dataset_version")
            found = examine(
                collection_id=collection_id, pack=pack, scenario=scenario, dataset=dataset, documents=documents
            )
            sets = sets_measure(collection_id, named, synonyms=pack.synonyms(scenario.name))
        metrics = dict(found.metrics) | _training_metrics(model_version)
        gates = gates_check(scenario.gates, metrics, adapter=bool(model), intervals=found.intervals, sets=sets)
        report = {
            "passed": gates_passed(gates),
            "source": found.source,
            "questions": found.questions,
            "gates": [gate.as_dict() for gate in gates],
            "metrics": metrics,
            "rows": found.rows,
            "sets": [_of_set(each) for each in sets],
            "sets_sha256": asked,
        }
        return _Measured(parts, documents, model_version, report)

    def _artifacts(self, context: StageContext, measured: _Measured, approval: Mapping[str, Any]) -> Artifacts:
        solution_id = context.solution.solution_id
        bundle = _bundle(context, measured)
        report = _gate_report(context, measured, bundle.id)
        deployment = NewArtifact("deployment", "deployment", (Parent("bundle", bundle.id, "deploys"),))
        with tenant_context(context.solution.organization_id):
            name = Solution.objects.get(id=solution_id).name

        def go_live(ref: ArtifactRef) -> None:
            deployment_create(ref=ref, bundle_id=bundle.id, solution_id=solution_id, approval=dict(approval))
            route_point(solution_id=solution_id, name=name, deployment_id=ref.id)

        gates = measured.report["gates"]
        passed = f"{sum(gate['passed'] for gate in gates)}/{len(gates)}"
        return Artifacts(
            items=(bundle, report, replace(deployment, save=go_live)),
            result={
                "bundle": str(bundle.id),
                "deployment": str(deployment.id),
                "route": name,
                "gates": gates,
                "source": measured.report["source"],
                "approved_by": approval["by"],
            },
            summary_zh=f"门禁 {passed} 通过，已批准，路由“{name}”已上线",
            summary_en=f"{passed} gates passed, approved, live on the route “{name}”",
        )


def adapter_load(model_version: ArtifactRef) -> str:
    """Give the model server the adapter of ``model_version``; its name there. An adapter it has already stays."""
    name = str(model_version.meta["adapter_name"])
    path = adapter_path(model_version)
    with ModelServerClient(settings.MODEL_SERVER_URL, settings.MODEL_SERVER_TOKEN) as client:
        if name not in {adapter["name"] for adapter in client.adapters()}:
            client.adapter_load(name, path, str(model_version.meta["adapter_sha256"]))
    return name


def adapter_path(model_version: ArtifactRef) -> Path:
    """The adapter's GGUF in storage: the artifact itself, or the file that its meta names inside it."""
    path = storage().open_path(model_version.uri)
    return path / str(model_version.meta["adapter_file"]) if path.is_dir() else path


def _asked_before(context: StageContext) -> str:
    """By which of the collection's own questions the kept report was made."""
    return str(dict(context.checkpoint.get("report") or {}).get("sets_sha256", ""))


def _collection(context: StageContext) -> UUID:
    if context.solution.collection_id is None:
        raise StageFailed(detail="collection_id")
    return context.solution.collection_id


def _documents(collection_id: UUID) -> list[ArtifactRef]:
    ids = list(versions_in_force(collection_id).values_list("id", flat=True))
    return [artifact_ref(artifact) for artifact in Artifact.objects.filter(id__in=ids, kind="document_version")]


def _of_set(measured: SetMeasured) -> dict[str, Any]:
    """A question set in the report, with the rows that were not answered at their best: where a gate fails, this is
    why."""
    rows = [row for row in measured.rows if failed(row) or any(rank != 1 for rank in row["ranks"])]
    return {
        "id": str(measured.set_id),
        "name": measured.name,
        "questions": measured.count,
        "rows": rows[:MOST_ROWS_OF_A_SET],
    }


def _training_metrics(model_version: ArtifactRef | None) -> dict[str, float]:
    """What training measured of the adapter, under the gates' names."""
    meta = model_version.meta if model_version else {}
    return {name: float(value) for name, value in dict(meta.get("gates", {})).items()}


def _keep_failed(context: StageContext, report: Mapping[str, Any]) -> None:
    """A bundle that does not pass makes no artifact; which questions it failed is kept with the run."""
    if not report["passed"]:
        context.checkpoint_save({"failed_report": dict(report)})


def _refuse_failed(report: Mapping[str, Any]) -> None:
    failed = [GateResult(**gate) for gate in report["gates"] if not gate["passed"]]
    if failed:
        said = "; ".join(
            f"{gate.name} {'-' if gate.value is None else f'{gate.value:.3f}'} ({gate.direction} {gate.threshold})"
            for gate in failed
        )
        raise GatesFailed(gates=said)


def _bundle(context: StageContext, measured: _Measured) -> NewArtifact:
    parts, model_version = measured.parts, measured.model_version
    groups = sorted({str(group) for document in measured.documents for group in document.meta.get("groups", [])})
    parents = [Parent("document_version", document.id, "serves") for document in measured.documents]
    if model_version is not None:
        parents.append(Parent("model_version", model_version.id, "serves"))
    return NewArtifact(
        "bundle",
        f"{parts.industry}/{parts.scenario}",
        tuple(parents),
        id=uuid4(),
        path=_written(context.workdir / "bundle.json", parts.as_dict()),
        meta={"sha256": parts.sha256, "groups": groups},
        save=lambda ref: _save_bundle(ref, context, parts, groups),
    )


def _save_bundle(ref: ArtifactRef, context: StageContext, parts: BundleParts, groups: list[str]) -> None:
    bundle_create(ref=ref, solution_id=context.solution.solution_id, parts=parts, groups=groups)


def _gate_report(context: StageContext, measured: _Measured, bundle_id: UUID) -> NewArtifact:
    report = dict(measured.report)
    path = _written(context.workdir / "gate-report.json", report)
    return NewArtifact(
        "gate_report",
        "gate report",
        (Parent("bundle", bundle_id, "measures"),),
        path=path,
        meta={"passed": report["passed"], "source": report["source"]},
        save=lambda ref: _save_report(ref, bundle_id, report),
    )


def _save_report(ref: ArtifactRef, bundle_id: UUID, report: dict[str, Any]) -> None:
    gate_report_create(ref=ref, bundle_id=bundle_id, report=report)


def _written(path: Path, body: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    return path
