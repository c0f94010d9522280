"""Questions to the model registry; read-only. Ask inside ``tenant_context``."""

from statistics import median
from uuid import UUID

from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import Artifact, RunState, StageEvent, StageRun
from liaoyuan.training.errors import DatasetUnknown
from liaoyuan.training.models import TrainingRun

PAST = 10


def training_run_by_key(key_sha256: str) -> TrainingRun | None:
    """The newest finished training with the same dataset, base, recipe and engine whose artifacts still stand."""
    for found in TrainingRun.objects.filter(key_sha256=key_sha256).order_by("-created_at"):
        wanted = {found.id} | ({found.model_version_id} if found.model_version_id else set())
        if Artifact.objects.filter(id__in=wanted).count() == len(wanted):
            return found
    return None


def tokens_per_second_learned() -> float | None:
    """Median speed of this tenant's past trainings, whole run included; None when there is none."""
    rows = TrainingRun.objects.order_by("-created_at").values_list("tokens", "seconds")[:PAST]
    speeds = [tokens / seconds for tokens, seconds in rows if seconds > 0]
    return median(speeds) if speeds else None


def dataset_version_named(name: str) -> Artifact:
    """The dataset version with this id, or the newest of the dataset with this name. Raises DatasetUnknown."""
    versions = Artifact.objects.filter(kind="dataset_version")
    try:
        found = versions.filter(id=UUID(name)).first()
    except ValueError:
        found = versions.filter(name=name).order_by("-created_at").first()
    if found is None:
        raise DatasetUnknown(name=name)
    return found


def training_of_run(run: StageRun) -> TrainingRun | None:
    """The finished training that a run made or gave again, or None while it works or where it failed."""
    ids = [item["id"] for item in run.result.get("artifacts", []) if item["kind"] == "training_report"]
    return TrainingRun.objects.select_related("base", "model_version").filter(id__in=ids).first()


def live_curve(run_id: UUID, *, after: int = 0) -> list[dict[str, float]]:
    """What a run has told of its steps so far, in order: step, loss, lr, tokens_per_second, memory_mb.

    A step that was made again after a resume replaces the first. One event a second is kept, so steps may be missing.
    """
    told = StageEvent.objects.filter(run_id=run_id, kind="progress", data__numbers__has_key="loss").order_by("seq")
    points = {row["step"]: row for row in told.values_list("data__numbers", flat=True) if row["step"] > after}
    return [points[step] for step in sorted(points)]


def trainings_of_solution(solution_id: UUID) -> list[tuple[StageRun, TrainingRun]]:
    """The succeeded training runs of a solution with what each gave, newest first; a training once, where it was
    made or first reused."""
    runs = StageRun.objects.filter(solution_id=solution_id, stage=StageName.TRAINING, state=RunState.SUCCEEDED)
    newest = list(runs.select_related("pipeline").order_by("-created_at")[:PAST])
    by_id = {str(item["id"]): run for run in newest for item in run.result.get("artifacts", [])}
    trainings = TrainingRun.objects.filter(id__in=list(by_id)).order_by("-created_at")
    return [(by_id[str(training.id)], training) for training in trainings]
