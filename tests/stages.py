"""Small real stages for tests of the ledger: what each does is written in the run's own spec."""

import contextlib
import ctypes
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline import ports, registry
from liaoyuan.pipeline.contract import (
    PIPELINE_STAGES,
    Artifacts,
    GiveWay,
    NewArtifact,
    Parent,
    RunCancelled,
    SolutionSpec,
    StageContext,
    StageFailed,
    StageName,
    StagePlan,
    WaitFor,
)

QUEUES = {StageName.INGEST: "ingest", StageName.EVALUATE: "evaluate", StageName.TRAINING: "train"}


class Busy(LiaoyuanError):
    code = "busy"
    zh = "忙"
    en = "busy"
    retryable = True


class Scripted:
    """Does what ``spec["do"]`` says, then gives one artifact of the kind ``made-by-<stage>``."""

    def __init__(self, name: StageName) -> None:
        self.name = name
        self.queue = QUEUES.get(name, "light")

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan(summary_zh="试", summary_en="try", seconds=1)

    def run(self, context: StageContext) -> Artifacts:
        action = getattr(self, f"_{context.spec.get('do', 'succeed')}")
        found: Artifacts = action(context, context.spec)
        return found

    def _succeed(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        parents = tuple(Parent(ref.kind, ref.id) for ref in context.inputs.values())
        return Artifacts(
            items=(self._item(context, parents),), result={"seen": sorted(context.inputs)}, summary_en="ok"
        )

    def _item(self, context: StageContext, parents: tuple[Parent, ...] = (), **more: Any) -> NewArtifact:
        path = context.workdir / "out.txt"
        path.write_text(f"{context.run_id} {context.fence}", encoding="utf-8")
        return NewArtifact(kind=f"made-by-{self.name}", name="out", parents=parents, path=path, **more)

    def _reuse(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        item = NewArtifact(kind=spec["kind"], name="again", parents=(), id=UUID(spec["id"]), save=_never)
        return Artifacts(items=(item,), reused=True)

    def _work(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        """Works ``seconds`` in small steps with progress and a checkpoint, and stops when it is cancelled."""
        steps = max(int(spec["seconds"] / 0.05), 1)
        for step in range(steps):
            if context.cancelled():
                raise RunCancelled
            context.progress((step + 1) / steps, f"第 {step} 步", f"step {step}")
            time.sleep(0.05)
        return self._succeed(context, spec)

    def _work_deaf(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        """Works without ever asking whether it should stop, then writes the name of its fence into ``mark``."""
        time.sleep(spec["seconds"])
        Path(spec["mark"]).write_text(str(context.fence), encoding="utf-8")
        return self._succeed(context, spec)

    def _turns(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        """Ends once the file ``free`` exists, gives way until then."""
        if not Path(spec["free"]).exists():
            raise GiveWay
        return self._succeed(context, spec)

    def _fail(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        raise StageFailed(detail="no")

    def _busy(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        if context.attempt <= spec.get("times", 99):
            raise Busy
        return self._succeed(context, spec)

    def _crash(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        raise ZeroDivisionError("secret detail")

    def _outside(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        item = NewArtifact(kind="x", name="x", parents=(), path=Path("/etc/hostname"))
        return Artifacts(items=(item,))

    def _bad_save(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        return Artifacts(items=(self._item(context), self._item(context, save=_refuse)))

    def _approval(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        if "approval" not in context.checkpoint:
            raise WaitFor(
                kind="approval", reason_zh="等待所有者批准", reason_en="approval by an owner", checkpoint={"kept": 1}
            )
        return Artifacts(
            result={"approved_by": context.checkpoint["approval"]["by"], "kept": context.checkpoint["kept"]}
        )

    def _quota(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        if not Path(spec["free"]).exists():
            raise WaitFor(kind="quota", reason_zh="配额已用完", reason_en="quota used up")
        return self._succeed(context, spec)

    def _checkpoint(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        if context.attempt == 1:
            (context.checkpoint_dir / "state.bin").write_bytes(b"half")
            context.checkpoint_save({"step": 7})
            raise Busy
        kept = (context.checkpoint_dir / "state.bin").read_text(encoding="utf-8")
        return Artifacts(result={"step": context.checkpoint["step"], "file": kept})

    def _segfault(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        ctypes.string_at(0)
        raise AssertionError("unreachable")

    def _log(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        context.log("looked", pages=3)
        context.progress(0.5, "一半", "half", pages=3)
        return self._succeed(context, spec)

    def _pid(self, context: StageContext, spec: Mapping[str, Any]) -> Artifacts:
        return Artifacts(result={"pid": os.getpid()})


def _never(ref: Any) -> None:
    raise AssertionError("a reused artifact is not saved again")


def _refuse(ref: Any) -> None:
    raise StageFailed(detail="the app's own row was refused")


class Released:
    """Remembers whose reservations were given back."""

    def __init__(self) -> None:
        self.solutions: list[UUID] = []

    def release(self, *, solution_id: UUID) -> None:
        self.solutions.append(solution_id)


def scripted_stages_register() -> None:
    for name in (*PIPELINE_STAGES, StageName.INGEST, StageName.EVALUATE):
        registry.stage_register(Scripted(name))


@contextlib.contextmanager
def scripted_stages() -> Iterator[Released]:
    """Every stage is a Scripted one; yields what is released at the end of pipelines. Puts the real ones back."""
    before = dict(registry._stages)
    reservations = ports._ports.reservations
    released = Released()
    scripted_stages_register()
    ports.wire(reservations=released)
    try:
        yield released
    finally:
        registry._stages.clear()
        registry._stages.update(before)
        ports.wire(reservations=reservations)
