"""The demonstration's steps: engines, organization, documents, six stages, questions."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from rich.console import Console

from liaoyuan.accounts.models import Organization, Role, User
from liaoyuan.accounts.resolver import principal_from_session
from liaoyuan.accounts.services import member_add, organization_create, user_create
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.compute.engines import detached
from liaoyuan.compute.engines.addresses import engine_addresses
from liaoyuan.compute.engines.manager import engines_up
from liaoyuan.config.database import migrate
from liaoyuan.config.demo.board import run_error
from liaoyuan.config.demo.watching import FAILED_STATES, Watcher
from liaoyuan.config.demo.words import stage_word, word
from liaoyuan.config.processes import background_specs, engines_own
from liaoyuan.errors import LiaoyuanError
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.services import collection_create
from liaoyuan.pipeline.models import Solution, StageRun
from liaoyuan.pipeline.services import pipeline_start, solution_create, stage_run_approve, stage_run_start

ORGANIZATION = "Liaoyuan Demo"
OWNER = "owner@demo.example"
NAMES = ("worker-light", "worker-train", "relay", "reaper")


class DemoFailed(LiaoyuanError):
    code = "demo_failed"
    zh = "演示在“{stage}”停下：{reason}"
    en = "The demo stopped at “{stage}”: {reason}"


@dataclass
class Journey:
    """One demonstration. ``folder`` None means the pack's own sample documents."""

    industry: str
    folder: Path | None
    console: Console
    language: str
    began: float = field(default_factory=time.monotonic)
    supervisor: list[int] = field(default_factory=list)

    def start_engines(self) -> None:
        """Engines and background processes; what runs already is left as it is."""
        self.say("engines")
        addresses = engine_addresses(settings.VAR)
        engines_up(addresses, only=engines_own())
        # The port may have moved when another program had taken it.
        if "model_server" in engines_own():
            settings.MODEL_SERVER_URL = addresses.model_server_url
        migrate()
        for spec in background_specs(NAMES):
            if detached.status(spec.name, run=addresses.run).supervisor is None:
                alone = type(spec)(**{**spec.__dict__, "depends_on": ()})
                detached.start_detached([alone], run=addresses.run, log=addresses.log)
        self.say("ready", seconds=time.monotonic() - self.began)

    def stop_background(self) -> None:
        """End the workers that the demonstration started; the engines stay up, so that a second run is quick."""
        addresses = engine_addresses(settings.VAR)
        detached.stop(list(NAMES), run=addresses.run, log=addresses.log)

    def organization(self) -> tuple[Organization, User]:
        """The demo's organization and its owner, who can sign in only after a password is set."""
        organization, _ = organization_create(name=ORGANIZATION)
        user, _ = user_create(email=OWNER, name="Demo Owner")
        with tenant_context(organization.id, user.id):
            member_add(user=user, role=Role.OWNER)
        return organization, user

    @property
    def pack(self) -> IndustryPack:
        return industry_get(self.industry)

    @property
    def collection(self) -> str:
        """A pack's samples share a collection; a folder has one of its own, by its path."""
        if self.folder is None:
            return f"{self.industry}-samples"
        digest = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:8]
        return f"{self.folder.name}-{digest}"

    def import_documents(self, organization: Organization, user: User) -> StageRun:
        """The documents as a durable ingest run. Raises DemoFailed."""
        with tenant_context(organization.id, user.id):
            made, _ = collection_create(name=self.collection)
            spec: dict[str, Any] = {"collection": made.name, "collection_id": str(made.id)}
            source = {"pack": self.industry} if self.folder is None else {"paths": [str(self.folder.resolve())]}
            run = stage_run_start(stage="ingest", spec=spec | source)
        done = self._watch(organization, user, lambda: StageRun.objects.filter(id=run.id))[0]
        result = done.result
        self.say("documents", ready=result["ready"], rejected=result["rejected"])
        for file in result["files"]:
            if file["state"] != "ready":
                reason = file["reason"] if self.language == "zh" else file["reason_en"]
                self.console.print(f"  · {Path(file['path']).name}: {file['code']} {reason}", highlight=False)
        return done

    def run_pipeline(self, organization: Organization, user: User) -> tuple[Solution, list[StageRun]]:
        """The six stages; the demo's owner approves. Raises DemoFailed."""
        pack = self.pack
        scenario = next(iter(pack.scenarios))
        with tenant_context(organization.id, user.id):
            made, _ = collection_create(name=self.collection)
            solution, _ = solution_create(
                name=f"{self.collection}-{scenario}", industry=pack.name, scenario=scenario, collection_id=made.id
            )
            pipeline = pipeline_start(solution_id=solution.id)
        load = StageRun.objects.filter(pipeline_id=pipeline.id).order_by("position")
        return solution, self._watch(organization, user, load.all)

    def _watch(self, organization: Organization, user: User, load: Any) -> list[StageRun]:
        watcher = Watcher(
            organization_id=organization.id,
            console=self.console,
            language=self.language,
            on_approval=lambda run: self._approve(organization, user, run.id),
        )
        runs = watcher.watch(load)
        for run in runs:
            if run.state in FAILED_STATES:
                reason = run_error(run, self.language)
                raise DemoFailed(stage=stage_word(run.stage, self.language), reason=reason)
        return runs

    def _approve(self, organization: Organization, user: User, run_id: UUID) -> None:
        principal = principal_from_session(user, organization.id)
        with tenant_context(organization.id, user.id):
            stage_run_approve(principal=principal, run_id=run_id, note="make demo")
        self.say("approved", owner=user.email)

    def say(self, key: str, **values: object) -> None:
        self.console.print(word(key, self.language, **values), highlight=False)


def stage_rows(runs: Sequence[StageRun]) -> list[dict[str, Any]]:
    """For ``var/demo.json``: stage, state, seconds, and whether it was reused."""
    rows = []
    for run in runs:
        seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0.0
        reused = bool(run.result.get("reused"))
        rows.append({"stage": run.stage, "state": run.state, "seconds": round(seconds, 2), "reused": reused})
    return rows
