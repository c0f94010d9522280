"""A deployment with its lineage, and the security stage's context over it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.industry.selectors import industry_get
from liaoyuan.pipeline import ports
from liaoyuan.pipeline.contract import ArtifactRef, SolutionSpec, StageContext
from liaoyuan.pipeline.models import Artifact, Lineage
from liaoyuan.pipeline.ports import Probe, wire


@dataclass
class Hooks:
    """What the ledger does for a running stage, noted."""

    said: list[str] = field(default_factory=list)

    def progress(self, fraction: float, message_zh: str, message_en: str, **numbers: Any) -> None:
        self.said.append(message_en)

    def cancelled(self) -> bool:
        return False

    def log(self, message: str, **fields: Any) -> None:
        self.said.append(message)

    def checkpoint_save(self, state: Mapping[str, Any]) -> None:
        self.said.append("checkpoint")


@dataclass
class Application:
    """A deployed application that always answers; with or without its source."""

    cites: bool

    def ask(self, *, organization_id: UUID, deployment_id: UUID, question: str) -> Probe:
        quotes = [{"document": "制度", "quote": "病历保存三十年。"}] if self.cites else []
        return Probe(text="病历保存三十年。", abstained=False, citations=quotes, guard=[])


@pytest.fixture
def deployed() -> Iterator[Callable[[bool], None]]:
    """``deployed(cites)`` wires an application that cites or not; the wires are put back afterwards."""
    before = ports._ports.application

    def use(cites: bool) -> None:
        wire(application=Application(cites))

    yield use
    wire(application=before)


@pytest.fixture
def context_of(organization: Any, tmp_path: Path) -> Callable[[str], StageContext]:
    """``context_of(industry)``: the stage's context over a deployment whose bundle rests on one document."""
    return lambda industry: _context(organization, tmp_path, industry)


@pytest.fixture
def context(context_of: Callable[[str], StageContext]) -> StageContext:
    return context_of("medical")


def _context(organization: Any, tmp_path: Path, industry: str) -> StageContext:
    document, bundle, deployment = uuid4(), uuid4(), uuid4()
    with tenant_context(organization.id):
        for kind, key in (("document_version", document), ("bundle", bundle), ("deployment", deployment)):
            Artifact.objects.create(id=key, organization_id=organization.id, kind=kind, name=kind)
        for parent, child in (
            (("document_version", document), ("bundle", bundle)),
            (("bundle", bundle), ("deployment", deployment)),
        ):
            Lineage.objects.create(
                organization_id=organization.id,
                parent_kind=parent[0],
                parent_id=parent[1],
                child_kind=child[0],
                child_id=child[1],
                relation="serves",
            )
    solution = SolutionSpec(organization.id, uuid4(), industry, industry_get(industry).spec.scenarios[0])
    return StageContext(
        run_id=uuid4(),
        fence=1,
        attempt=1,
        solution=solution,
        spec={},
        inputs={"deployment": ArtifactRef("deployment", deployment)},
        workdir=tmp_path,
        checkpoint_dir=tmp_path,
        checkpoint={},
        hooks=Hooks(),
    )
