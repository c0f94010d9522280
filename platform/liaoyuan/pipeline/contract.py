"""What a stage is: takes a typed spec and artifact references, gives typed artifacts with their lineage parents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol
from uuid import UUID, uuid4

from liaoyuan.errors import LiaoyuanError


class StageName(StrEnum):
    """The six stages in order, and the kinds of run that stand beside them."""

    COMPUTE = "compute"
    DATA = "data"
    TRAINING = "training"
    DEPLOYMENT = "deployment"
    SECURITY = "security"
    OPERATIONS = "operations"
    INGEST = "ingest"
    EVALUATE = "evaluate"
    REINDEX = "reindex"
    SYNC = "sync"


PIPELINE_STAGES: tuple[StageName, ...] = tuple(StageName)[:6]


@dataclass(frozen=True)
class SolutionSpec:
    """What a stage knows of the solution it works for.

    ``options`` comes from the caller, never from a tenant's document.
    """

    organization_id: UUID
    solution_id: UUID
    industry: str
    scenario: str
    collection_id: UUID | None = None
    requested_by: UUID | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StagePlan:
    """What, how long, how much; shown before anything starts.

    Seconds and cost (in the price book's currency) are estimates; ``fits`` False means that it cannot run, and
    ``advice`` says what would.
    """

    summary_zh: str
    summary_en: str
    seconds: float
    cost: float = 0.0
    memory_bytes: int = 0
    fits: bool = True
    advice: tuple[str, ...] = ()
    needs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtifactRef:
    """An immutable artifact by kind and id.

    ``uri`` is a key of the storage interface; empty when the meta is all there is.
    """

    kind: str
    id: UUID
    name: str = ""
    uri: str = ""
    sha256: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parent:
    """One lineage edge to be written: from which artifact, in which relation (``derived_from``, ``trained_on``…)."""

    kind: str
    id: UUID
    relation: str = "derived_from"


@dataclass(frozen=True)
class NewArtifact:
    """An artifact to register when the run succeeds.

    ``path`` is a file or folder below the context's workdir that the pipeline moves into storage. ``save`` writes the
    app's own row inside the same fenced transaction: either both stand or neither.
    """

    kind: str
    name: str
    parents: tuple[Parent, ...]
    id: UUID = field(default_factory=uuid4)
    path: Path | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    save: Callable[[ArtifactRef], None] | None = None


@dataclass(frozen=True)
class Artifacts:
    """What a run gives back: artifacts to register, and a result in one line (zh, en) with the numbers behind it."""

    items: tuple[NewArtifact, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    summary_zh: str = ""
    summary_en: str = ""
    reused: bool = False


class RunHooks(Protocol):
    """What the pipeline does for a running stage; every write is fenced."""

    def progress(self, fraction: float, message_zh: str, message_en: str, **numbers: Any) -> None: ...
    def cancelled(self) -> bool: ...
    def log(self, message: str, **fields: Any) -> None: ...
    def checkpoint_save(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class StageContext:
    """All that a stage may touch while it runs.

    ``inputs`` maps an artifact kind to the newest artifact of that kind in this pipeline; ``workdir`` is private to
    this attempt and survives into the next attempt only through ``checkpoint`` (JSON) and ``checkpoint_dir`` (files,
    shared by the attempts of a run).

    A stage runs outside of any transaction: it opens short ``tenant_context`` blocks of its own where it reads or
    writes, and none over long work.
    """

    run_id: UUID
    fence: int
    attempt: int
    solution: SolutionSpec
    spec: Mapping[str, Any]
    inputs: Mapping[str, ArtifactRef]
    workdir: Path
    checkpoint_dir: Path
    checkpoint: Mapping[str, Any]
    hooks: RunHooks

    def progress(self, fraction: float, message_zh: str, message_en: str, **numbers: Any) -> None:
        """Report 0..1 and a sentence; may be called often, writes are rate-limited."""
        self.hooks.progress(fraction, message_zh, message_en, **numbers)

    def cancelled(self) -> bool:
        """Whether somebody cancelled the run, or a newer worker owns it: stop soon, leave nothing behind."""
        return self.hooks.cancelled()

    def log(self, message: str, **fields: Any) -> None:
        """One line in the run's own event log."""
        self.hooks.log(message, **fields)

    def checkpoint_save(self, state: Mapping[str, Any]) -> None:
        """Keep ``state`` (JSON) for the next attempt."""
        self.hooks.checkpoint_save(state)

    def require(self, kind: str) -> ArtifactRef:
        """The input of ``kind``. Raises InputMissing, which names the stage to run first."""
        if kind not in self.inputs:
            raise InputMissing(kind=kind)
        return self.inputs[kind]


class Stage(Protocol):
    """A stage of the pipeline; see the table in docs/architecture.md for what each takes and gives."""

    name: ClassVar[StageName]
    queue: ClassVar[str]

    def plan(self, solution: SolutionSpec) -> StagePlan: ...
    def run(self, context: StageContext) -> Artifacts: ...


class StageFailed(LiaoyuanError):
    """An expected failure of a stage: the run becomes FAILED with this code and sentence. Subclass it per app."""

    code = "stage_failed"
    zh = "阶段未能完成：{detail}"
    en = "The stage could not complete: {detail}"


class InputMissing(StageFailed):
    code = "input_missing"
    zh = "缺少输入“{kind}”：请先完成产生它的阶段。"
    en = "The input “{kind}” is missing: first complete the stage that makes it."


class RunCancelled(LiaoyuanError):
    """Raised by a stage that saw ``cancelled()``; the run becomes CANCELLED (ERRORED where nobody cancelled it)."""

    code = "cancelled"
    zh = "已取消。"
    en = "Cancelled."


class WaitFor(Exception):
    """Raised by a stage that cannot go on yet: the run waits with this reason, which costs no attempt.

    ``kind`` is ``approval``, ``quota``, ``engine`` or ``dependency``. The checkpoint is kept, so that the resumed run
    goes on there.
    """

    def __init__(
        self, *, kind: str, reason_zh: str, reason_en: str, checkpoint: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(reason_en)
        self.kind = kind
        self.reason_zh = reason_zh
        self.reason_en = reason_en
        self.checkpoint = checkpoint


class GiveWay(Exception):
    """Raised by a stage that worked for a slice while others wait (:func:`liaoyuan.pipeline.waiting.place_wanted`).

    The run queues again behind them, which costs no attempt; what it keeps must be in tables or in the checkpoint.
    """
