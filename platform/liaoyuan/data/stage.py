"""Stage 2: the pack's recipe over the collection's blocks gives an immutable dataset version with its drop trace."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from liaoyuan.accounts.keys import secret_digest
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.data.errors import NothingToCurate
from liaoyuan.data.models import DatasetVersion
from liaoyuan.data.operators.finish import write_messages
from liaoyuan.data.recipe import Curated, Surroundings, recipe_run
from liaoyuan.data.schemas import Passage, Sample
from liaoyuan.data.selectors import collection_name, documents_in_force, version_by_inputs
from liaoyuan.data.services import dataset_version_create
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.text.normalise import is_chinese
from liaoyuan.pipeline.contract import (
    ArtifactRef,
    Artifacts,
    NewArtifact,
    Parent,
    SolutionSpec,
    StageContext,
    StageName,
    StagePlan,
)
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.ports import pii
from liaoyuan.pipeline.storage import storage

# Raised whenever an operator comes to make something else of the same input: an old version must not pass for a new.
OPERATORS_VERSION = 3
ZH_PROMPT = "依据：\n[1] {evidence}\n\n问题：{question}\n没有依据时回答：{abstain}\n回答："


class DataStage:
    """Takes document versions and the pack's recipe; gives a DatasetVersion of train, eval and gate samples."""

    name: ClassVar[StageName] = StageName.DATA
    queue: ClassVar[str] = "light"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan("按行业包的配方整理数据", "Curate data by the pack's recipe", 15.0)

    def run(self, context: StageContext) -> Artifacts:
        """Curate, or give the version that the same inputs made before and say so."""
        pack = industry_get(context.solution.industry)
        scenario = pack.scenario(context.solution.scenario)
        with tenant_context(context.solution.organization_id):
            documents = documents_in_force(context.solution.collection_id)
            if not documents:
                raise NothingToCurate(collection=collection_name(context.solution.collection_id))
        inputs = _inputs_sha256(documents, pack, scenario)
        with tenant_context(context.solution.organization_id):
            found = version_by_inputs(inputs)
            if found and Artifact.objects.filter(id=found.id).exists():
                return _reused(found, documents)
        return self._curate(context, scenario, documents, inputs)

    def _curate(
        self, context: StageContext, scenario: ScenarioSpec, documents: Sequence[ArtifactRef], inputs: str
    ) -> Artifacts:
        pack = industry_get(context.solution.industry)
        passages = [passage for document in documents for passage in _passages(document)]
        curated = recipe_run(
            scenario.recipe,
            passages,
            _surroundings(pack, scenario, context.solution.organization_id),
            step=lambda fraction, name: context.progress(fraction, f"算子：{name}", f"Operator: {name}"),
        )
        samples = write_messages(curated.samples, lambda sample: _prompt(pack, scenario, sample))
        counts = _counts(samples, pack.gate_questions(scenario.name), len(documents), len(passages))
        groups = sorted({str(group) for document in documents for group in document.meta.get("groups", [])})
        name = f"{pack.name}/{scenario.name}/{context.solution.collection_id}"
        made = {
            "inputs_sha256": inputs,
            "recipe": scenario.recipe.model_dump(mode="json"),
            "counts": counts,
            "trace": curated.trace_dicts(),
            "groups": groups,
        }
        version = NewArtifact(
            "dataset_version",
            name,
            tuple(Parent("document_version", document.id, "curated_from") for document in documents),
            path=_write_version(context.workdir, samples, pack, scenario),
            meta={"counts": counts, "groups": groups, "inputs_sha256": inputs},
            save=lambda ref: _save(name, ref, made),
        )
        parents = (Parent("dataset_version", version.id, "explains"),)
        trace = NewArtifact("curation_trace", name, parents, path=_write_trace(context.workdir, curated))
        return _artifacts(version, trace, counts, curated.trace_dicts())


def _save(name: str, ref: ArtifactRef, made: dict[str, Any]) -> None:
    dataset_version_create(name=name, ref=ref, made=made)


def _surroundings(pack: IndustryPack, scenario: ScenarioSpec, organization_id: UUID) -> Surroundings:
    return Surroundings(
        scanner=pii(),
        key=secret_digest(str(organization_id), purpose="dataset-pseudonyms").encode(),
        gate_questions=tuple(question.question for question in pack.gate_questions(scenario.name)),
        abstain=_abstain(scenario),
    )


def _abstain(scenario: ScenarioSpec) -> dict[str, str]:
    return {"zh": scenario.guardrail.abstain.zh, "en": scenario.guardrail.abstain.en}


def _inputs_sha256(documents: Sequence[ArtifactRef], pack: IndustryPack, scenario: ScenarioSpec) -> str:
    body = {
        "documents": sorted(f"{document.id}:{document.sha256}" for document in documents),
        "recipe": scenario.recipe.model_dump(mode="json"),
        "gate": [question.model_dump(mode="json") for question in pack.gate_questions(scenario.name)],
        "abstain": scenario.guardrail.abstain.model_dump(mode="json"),
        "prompts": [pack.prompts[scenario.prompts.zh], pack.prompts[scenario.prompts.en]],
        "operators": OPERATORS_VERSION,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _passages(document: ArtifactRef) -> Iterator[Passage]:
    """The blocks behind one artifact reference; headings are kept as context, not as passages of their own."""
    title = str(document.meta.get("title") or document.name)
    lines = storage().open_path(document.uri).read_text(encoding="utf-8").splitlines()
    for number, block in enumerate(Block.from_dict(json.loads(line)) for line in lines):
        if block.type is BlockType.HEADING or not block.text.strip():
            continue
        yield Passage(
            id=f"{document.id}:{number}",
            document_version_id=str(document.id),
            document=title,
            text=block.text,
            language="zh" if is_chinese(block.text) else "en",
            kind=block.type.value,
            heading_path=block.heading_path,
            locator=block.locator,
            page=block.page,
            box=block.box,
        )


def _prompt(pack: IndustryPack, scenario: ScenarioSpec, sample: Sample) -> str:
    """The prompt that serving uses where the scenario generates; the short form where it only quotes.

    A quoting language is never generated from, and the small embedded tokenizer spends three tokens on a Chinese
    character, so the pack's long prompt would not fit beside its evidence.
    """
    mode = scenario.answerer.zh if sample.language == "zh" else scenario.answerer.en
    values = {"question": sample.question, "evidence": sample.evidence, "abstain": _abstain(scenario)[sample.language]}
    if mode == "extractive":
        return ZH_PROMPT.format(**values)
    return pack.prompt(scenario.name, sample.language, values | {"evidence": f"[1] {sample.evidence}"})


def _counts(samples: Sequence[Sample], questions: Sequence[object], documents: int, passages: int) -> dict[str, int]:
    by_split = {name: sum(sample.split == name for sample in samples) for name in ("train", "eval")}
    return by_split | {"gate": len(questions), "documents": documents, "passages": passages}


def _write_version(workdir: Path, samples: Sequence[Sample], pack: IndustryPack, scenario: ScenarioSpec) -> Path:
    """The version's one file: a sample a line, the gate's questions last under their own split."""
    gate = [question.model_dump(mode="json") | {"split": "gate"} for question in pack.gate_questions(scenario.name)]
    return _write_lines(workdir / "samples.jsonl", [*(sample.as_dict() for sample in samples), *gate])


def _write_trace(workdir: Path, curated: Curated) -> Path:
    """The curation's folder: trace.json by operator, drops.jsonl by item, changes.jsonl with examples."""
    folder = workdir / "curation"
    folder.mkdir(parents=True, exist_ok=True)
    _write_lines(folder / "drops.jsonl", [asdict(item) for item in curated.drops])
    _write_lines(folder / "changes.jsonl", [asdict(item) for item in curated.changes])
    (folder / "trace.json").write_text(
        json.dumps(curated.trace_dicts(), ensure_ascii=False, indent=1), encoding="utf-8"
    )
    return folder


def _write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _artifacts(
    version: NewArtifact, trace: NewArtifact, counts: Mapping[str, int], steps: list[dict[str, Any]]
) -> Artifacts:
    dropped = sum(step["dropped"] for step in steps)
    kept = f"{counts['train']} + {counts['eval']}"
    return Artifacts(
        items=(version, trace),
        result={"dataset_version": str(version.id), "counts": dict(counts), "trace": steps},
        summary_zh=f"{counts['documents']} 份文档 → 训练+评测样本 {kept}，丢弃 {dropped} 项均有原因",
        summary_en=f"{counts['documents']} documents → {kept} train + eval samples; {dropped} dropped with reasons",
    )


def _reused(found: DatasetVersion, documents: Sequence[ArtifactRef]) -> Artifacts:
    """The same documents, recipe and gate questions were curated before: that version, named again."""
    parents = tuple(Parent("document_version", document.id, "curated_from") for document in documents)
    item = NewArtifact("dataset_version", found.dataset.name, parents, id=found.id)
    return Artifacts(
        items=(item,),
        result={"dataset_version": str(found.id), "counts": found.counts, "trace": found.trace},
        summary_zh=f"复用版本 {found.number}：文档、配方与门禁题目均未变化",
        summary_en=f"Version {found.number} reused: documents, recipe and gate questions are unchanged",
        reused=True,
    )
