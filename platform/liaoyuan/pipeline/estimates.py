"""How long a run should take, learned from past runs, and how long it still will."""

from statistics import median

from django.db.models import QuerySet

from liaoyuan.pipeline.models import RunState, StageRun

SAMPLE = 20
# Below the first, progress says nothing; up to the second, set-up is still in it and the past knows better.
SMALLEST_PROGRESS = 0.02
TRUSTED_PROGRESS = 0.2


def learned_seconds(*, stage: str, industry: str = "") -> float:
    """Median seconds of this tenant's last succeeded runs of ``stage`` (same industry if any); 0 when there is none."""
    # What was reused took no time and says nothing about the work itself.
    past = StageRun.objects.filter(stage=stage, state=RunState.SUCCEEDED).exclude(result__contains={"reused": True})
    return _median_seconds(past.filter(solution__industry=industry)) or _median_seconds(past)


def _median_seconds(runs: QuerySet[StageRun]) -> float:
    newest = runs.order_by("-finished_at").values_list("started_at", "finished_at")[:SAMPLE]
    took = [(end - start).total_seconds() for start, end in newest if start and end]
    return median(took) if took else 0.0


def remaining_seconds(*, elapsed: float, progress: float, expected: float) -> float | None:
    """Seconds still to go, from both the run's own progress (0..1) and the past; None when neither tells."""
    from_past = max(expected - elapsed, 0.0) if expected > 0 else None
    if progress < SMALLEST_PROGRESS:
        return from_past
    from_progress = elapsed * (1.0 - progress) / progress
    if from_past is None or progress >= TRUSTED_PROGRESS:
        return from_progress
    weight = progress / TRUSTED_PROGRESS
    return weight * from_progress + (1.0 - weight) * from_past
