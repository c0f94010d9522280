"""Questions to the ledger; nothing here writes. Ask inside ``tenant_context``: a stranger's id finds nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from liaoyuan.accounts.tenancy import current_person
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.contract import ArtifactRef, StageName
from liaoyuan.pipeline.models import Artifact, Pipeline, RunState, Solution, SolutionDraft, StageEvent, StageRun
from liaoyuan.pipeline.waiting import WaitReport, wait_report

EVENTS_AT_ONCE = 200
DEEPEST = 64
Direction = Literal["up", "down"]


@dataclass(frozen=True)
class StageCard:
    """One stage on the board: its row, and why it waits (None when it does not)."""

    run: StageRun
    wait: WaitReport | None


@dataclass(frozen=True)
class Board:
    """One solution's newest pipeline, its six cards in order; ``pipeline`` None before the first start."""

    solution: Solution
    pipeline: Pipeline | None
    cards: Sequence[StageCard]


@dataclass(frozen=True)
class Node:
    """A node of the lineage graph. ``name`` is empty for kinds that are not artifacts (a page, an answer)."""

    kind: str
    id: UUID
    name: str = ""


@dataclass(frozen=True)
class Edge:
    """parent —relation→ child."""

    parent: Node
    child: Node
    relation: str


@dataclass(frozen=True)
class Graph:
    """What was found walking from ``start``; ``nodes`` includes it."""

    start: Node
    nodes: Sequence[Node]
    edges: Sequence[Edge]


def solution_get(solution_id: UUID) -> Solution:
    """Raises NotFound."""
    found = Solution.objects.filter(id=solution_id).first()
    if found is None:
        raise NotFound
    return found


def run_get(run_id: UUID) -> StageRun:
    """Raises NotFound."""
    found = StageRun.objects.select_related("solution").filter(id=run_id).first()
    if found is None:
        raise NotFound
    return found


def draft_get(draft_id: UUID) -> SolutionDraft:
    """One's own draft, started or not. Raises NotFound for a missing one, a stranger's and a colleague's."""
    found = SolutionDraft.objects.filter(id=draft_id, user_id=current_person()).first()
    if found is None:
        raise NotFound
    return found


def drafts_open() -> QuerySet[SolutionDraft]:
    """One's own drafts that were begun and not started, the last touched first."""
    mine = SolutionDraft.objects.filter(user_id=current_person(), pipeline_id__isnull=True)
    return mine.exclude(scenario="").order_by("-updated_at")


def board(solution_id: UUID, *, number: int | None = None) -> Board:
    """The newest pipeline of a solution (or ``number``), stage by stage, with the reason of every wait.

    Raises NotFound.
    """
    solution = solution_get(solution_id)
    pipelines = Pipeline.objects.filter(solution=solution).order_by("-number")
    pipeline = (pipelines if number is None else pipelines.filter(number=number)).first()
    if pipeline is None and number is not None:
        raise NotFound
    runs = StageRun.objects.filter(pipeline=pipeline).order_by("position") if pipeline else []
    return Board(solution, pipeline, [StageCard(run, wait_report(run)) for run in runs])


def events_after(
    *, seq: int = 0, run_id: UUID | None = None, solution_id: UUID | None = None, limit: int = EVENTS_AT_ONCE
) -> Sequence[StageEvent]:
    """Events with a number above ``seq``, in order, of one run or of all runs of one solution."""
    events = StageEvent.objects.select_related("run").filter(seq__gt=seq)
    if run_id is not None:
        events = events.filter(run_id=run_id)
    if solution_id is not None:
        events = events.filter(run__solution_id=solution_id)
    return list(events.order_by("seq")[:limit])


def artifact_get(artifact_id: UUID) -> Artifact:
    """Raises NotFound."""
    found = Artifact.objects.filter(id=artifact_id).first()
    if found is None:
        raise NotFound
    return found


def artifact_latest(
    kind: str, *, solution_id: UUID | None = None, collection_id: UUID | None = None
) -> Artifact | None:
    """The newest artifact of ``kind``; of one solution's runs, or of runs on one collection, if given."""
    artifacts = Artifact.objects.filter(kind=kind)
    if solution_id is not None:
        artifacts = artifacts.filter(run__solution_id=solution_id)
    if collection_id is not None:
        artifacts = artifacts.filter(_of_collection(collection_id))
    return artifacts.order_by("-created_at").first()


def run_inputs(run: StageRun) -> Mapping[str, ArtifactRef]:
    """What a run may take, newest of each kind: its collection's imports, its pipeline's, then what its spec names."""
    found: dict[str, ArtifactRef] = {}
    for artifact in _collection_artifacts(run):
        found[artifact.kind] = _ref(artifact)
    for artifact in _pipeline_artifacts(run):
        found[artifact.kind] = _ref(artifact)
    named = dict(run.spec.get("inputs", {}))
    for artifact in Artifact.objects.filter(id__in=list(named.values())):
        found[artifact.kind] = _ref(artifact)
    return found


def _collection_artifacts(run: StageRun) -> Sequence[Artifact]:
    collection = run.spec.get("collection_id") or (run.solution.collection_id if run.solution else None)
    if collection is None:
        return []
    imports = Artifact.objects.filter(_of_collection(collection), run__stage=StageName.INGEST)
    return list(imports.order_by("kind", "-created_at").distinct("kind"))


def _of_collection(collection_id: UUID | str) -> Q:
    return Q(run__spec__collection_id=str(collection_id)) | Q(meta__collection_id=str(collection_id))


def _pipeline_artifacts(run: StageRun) -> list[Artifact]:
    """In the order in which the stages gave them, reused ones too: a run's result names what it gave."""
    if run.pipeline_id is None:
        return []
    done = StageRun.objects.filter(pipeline_id=run.pipeline_id, state=RunState.SUCCEEDED).order_by("position")
    ids = [item["id"] for other in done for item in other.result.get("artifacts", [])]
    artifacts = {str(artifact.id): artifact for artifact in Artifact.objects.filter(id__in=ids)}
    return [artifacts[key] for key in ids if key in artifacts]


def _ref(artifact: Artifact) -> ArtifactRef:
    return ArtifactRef(
        kind=artifact.kind,
        id=artifact.id,
        name=artifact.name,
        uri=artifact.uri,
        sha256=artifact.sha256,
        meta=artifact.meta,
    )


# UNION (not UNION ALL) drops rows seen before, so a cycle ends; the depth bounds what one question may cost.
WALK = """
WITH RECURSIVE walk(parent_kind, parent_id, child_kind, child_id, relation, depth) AS (
    SELECT parent_kind, parent_id, child_kind, child_id, relation, 1
    FROM pipeline_lineage WHERE {near}_kind = %(kind)s AND {near}_id = %(id)s
  UNION
    SELECT l.parent_kind, l.parent_id, l.child_kind, l.child_id, l.relation, w.depth + 1
    FROM pipeline_lineage l JOIN walk w ON l.{near}_kind = w.{far}_kind AND l.{near}_id = w.{far}_id
    WHERE w.depth < %(deepest)s
)
SELECT parent_kind, parent_id, child_kind, child_id, relation, min(depth) AS depth FROM walk
GROUP BY 1, 2, 3, 4, 5 ORDER BY depth, 1, 3, 2, 4
"""
UP = WALK.format(near="child", far="parent")
DOWN = WALK.format(near="parent", far="child")


def lineage_up(kind: str, identifier: UUID, *, deepest: int = DEEPEST) -> Graph:
    """Everything that ``kind:identifier`` rests on, in at most ``deepest`` steps."""
    return _walk(UP, kind, identifier, deepest)


def lineage_down(kind: str, identifier: UUID, *, deepest: int = DEEPEST) -> Graph:
    """Everything that rests on ``kind:identifier``, in at most ``deepest`` steps."""
    return _walk(DOWN, kind, identifier, deepest)


def _walk(query: str, kind: str, identifier: UUID, deepest: int) -> Graph:
    with connection.cursor() as cursor:
        cursor.execute(query, {"kind": kind, "id": identifier, "deepest": deepest})
        rows: list[tuple[str, UUID, str, UUID, str, int]] = cursor.fetchall()
    keys = dict.fromkeys([(kind, identifier)])
    for row in rows:
        keys |= dict.fromkeys([(row[0], row[1]), (row[2], row[3])])
    names = dict(Artifact.objects.filter(id__in=[key[1] for key in keys]).values_list("id", "name"))
    nodes = {key: Node(key[0], key[1], names.get(key[1], "")) for key in keys}
    edges = [Edge(nodes[row[0], row[1]], nodes[row[2], row[3]], row[4]) for row in rows]
    return Graph(nodes[kind, identifier], list(nodes.values()), edges)


def event_payload(event: StageEvent) -> dict[str, Any]:
    """One event as JSON for the page and the API."""
    at: datetime = event.created_at
    return {
        "seq": event.seq,
        "run": str(event.run_id),
        "stage": event.run.stage,
        "kind": event.kind,
        "at": at.isoformat(),
        **event.data,
    }
