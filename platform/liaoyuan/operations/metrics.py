"""Numbers for Prometheus: what this process answered, and the ledger's state read at scrape time."""

from collections.abc import Iterable

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector

from liaoyuan.accounts.tenancy import system_context
from liaoyuan.operations.models import Trace
from liaoyuan.pipeline.models import Outbox, RunState, StageRun

ANSWERS = Counter("liaoyuan_answers_total", "Answers given, by mode and outcome.", ["mode", "outcome"])
SECONDS = Histogram(
    "liaoyuan_answer_seconds",
    "Seconds from question to the end of the answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
TOKENS = Counter("liaoyuan_tokens_total", "Tokens read and written by chat models.", ["kind"])


def observe(trace: Trace) -> None:
    """Count one answer. No label carries a tenant: the page is for the operator of the machine."""
    outcome = "error" if trace.error else "blocked" if trace.blocked else "abstained" if trace.abstained else "answered"
    ANSWERS.labels(trace.mode, outcome).inc()
    SECONDS.observe(trace.seconds)
    TOKENS.labels("prompt").inc(trace.prompt_tokens)
    TOKENS.labels("completion").inc(trace.completion_tokens)


class LedgerCollector(Collector):
    """Runs by stage and state, the depth and age of each queue, doorbells not yet rung."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with system_context("metrics") as alias:
            runs = StageRun.objects.using(alias)
            states = list(runs.values("stage", "state").annotate(n=Count("id")).order_by())
            queued = runs.filter(state=RunState.QUEUED).values("queue")
            queues = list(queued.annotate(n=Count("id"), oldest=Min("queued_at")).order_by())
            unpublished = Outbox.objects.using(alias).filter(published_at__isnull=True).count()
        by_state = GaugeMetricFamily("liaoyuan_runs", "Stage runs by state.", labels=["stage", "state"])
        for row in states:
            by_state.add_metric([row["stage"], row["state"]], row["n"])
        depth = GaugeMetricFamily("liaoyuan_queue_depth", "Queued runs.", labels=["queue"])
        age = GaugeMetricFamily("liaoyuan_queue_oldest_seconds", "Age of the oldest queued run.", labels=["queue"])
        for line in queues:
            depth.add_metric([line["queue"]], line["n"])
            age.add_metric(
                [line["queue"]], (timezone.now() - line["oldest"]).total_seconds() if line["oldest"] else 0.0
            )
        outbox = GaugeMetricFamily("liaoyuan_outbox_unpublished", "Doorbells that the relay has not rung yet.")
        outbox.add_metric([], unpublished)
        return [by_state, depth, age, outbox]


def collector_register() -> None:
    """Add the ledger to the page; called once by the app when Django is ready."""
    REGISTRY.register(LedgerCollector())
