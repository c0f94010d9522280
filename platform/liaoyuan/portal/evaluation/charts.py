"""An evaluation's numbers over time, as an option of ECharts."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.timezone import localtime

from liaoyuan.knowledge.questions.models import EvaluationRun
from liaoyuan.portal.evaluation.words import METRICS

_DRAWN: Final = ("recall@5", "must_contain", "citation_correct", "refused_answerable")


def history_option(runs: Sequence[EvaluationRun]) -> dict[str, Any]:
    """A line a metric, the oldest run first; the first metric with its 95 % interval as a band."""
    labels = [f"#{run.number} {localtime(run.finished_at or run.created_at):%m-%d %H:%M}" for run in runs]
    series: list[dict[str, Any]] = [
        {
            "type": "line",
            "name": str(METRICS[metric][0]),
            "symbolSize": 6,
            "data": [_percent(run.metrics.get(metric)) for run in runs],
        }
        for metric in _DRAWN
        if any(run.metrics.get(metric) is not None for run in runs)
    ]
    return {
        "tooltip": {"trigger": "axis"},
        # The two lines that make the band stay out of it.
        "legend": {"type": "scroll", "top": 0, "left": 0, "right": 0, "data": [each["name"] for each in series]},
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": labels},
        "yAxis": {"type": "value", "min": 0, "max": 100, "axisLabel": {"formatter": "{value} %"}},
        "series": series + _band(runs, _DRAWN[0]),
    }


def _band(runs: Sequence[EvaluationRun], metric: str) -> list[dict[str, Any]]:
    """Two stacked lines without strokes: the lower end, and what lies between both ends."""
    bounds = [run.intervals.get(metric) for run in runs]
    if any(each is None for each in bounds):
        return []
    low = [_percent(each[0]) for each in bounds if each]
    width = [round((each[1] - each[0]) * 100, 1) for each in bounds if each]
    name = f"{METRICS[metric][0]} 95 %"
    bare = {"type": "line", "stack": "band", "symbol": "none", "silent": True, "lineStyle": {"opacity": 0}}
    return [
        {**bare, "name": f"{name} ↓", "data": low},
        {**bare, "name": f"{name} ↕", "data": width, "areaStyle": {"opacity": 0.15}},
    ]


def _percent(value: Any) -> float | None:
    return None if value is None else round(100 * float(value), 1)
