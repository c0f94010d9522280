"""Signs of life of worker processes, by which a wait can say that nobody serves its queue."""

from collections.abc import Iterable

from django.db.models.functions import Now

from liaoyuan.pipeline.models import WorkerBeat


def worker_beat(*, name: str, queues: Iterable[str], slots: int) -> None:
    """Note that the worker ``name`` lives and serves ``queues`` with ``slots`` processes."""
    WorkerBeat.objects.update_or_create(
        name=name[:120], defaults={"queues": sorted(queues), "slots": slots, "at": Now()}
    )


def worker_gone(*, name: str) -> None:
    """The worker ends in good order."""
    WorkerBeat.objects.filter(name=name[:120]).delete()
