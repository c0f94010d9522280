"""What a bundle is made of, and its hash: the same parts give the same bundle."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.pipeline.base_models import EMBEDDED
from liaoyuan.pipeline.contract import ArtifactRef


@dataclass(frozen=True)
class BundleParts:
    """Everything that decides how a question is answered, by identifier and hash."""

    industry: str
    industry_version: str
    scenario: str
    collection_id: str
    document_versions: tuple[str, ...]
    model_version_id: str
    adapter_sha256: str
    model: str
    prompts_sha256: str
    guardrail_sha256: str
    retrieval: Mapping[str, Any]
    answerer: Mapping[str, str]

    @property
    def sha256(self) -> str:
        return digest(asdict(self))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"document_versions": list(self.document_versions)}


def digest(body: Any) -> str:
    """SHA-256 of canonical JSON."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def bundle_parts(
    *,
    pack: IndustryPack,
    scenario: ScenarioSpec,
    collection_id: UUID,
    documents: Sequence[ArtifactRef],
    model_version: ArtifactRef | None,
    model: str,
) -> BundleParts:
    """The parts of a bundle as they stand now."""
    return BundleParts(
        industry=pack.name,
        industry_version=pack.spec.version,
        scenario=scenario.name,
        collection_id=str(collection_id),
        document_versions=tuple(sorted(str(document.id) for document in documents)),
        model_version_id=str(model_version.id) if model_version else "",
        adapter_sha256=model_version.sha256 if model_version else "",
        model=model or EMBEDDED,
        prompts_sha256=digest([pack.prompts[scenario.prompts.zh], pack.prompts[scenario.prompts.en]]),
        guardrail_sha256=digest(scenario.guardrail.model_dump(mode="json")),
        retrieval=scenario.retrieval.model_dump(mode="json"),
        answerer=scenario.answerer.model_dump(mode="json"),
    )
