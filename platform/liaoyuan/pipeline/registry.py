"""Which stage answers to which name. Each app registers its own when Django loads it."""

from liaoyuan.errors import LiaoyuanError
from liaoyuan.pipeline.contract import Stage, StageName


class StageUnknown(LiaoyuanError):
    code = "stage_unknown"
    zh = "没有名为“{name}”的阶段。"
    en = "There is no stage called “{name}”."
    status = 500


_stages: dict[StageName, Stage] = {}


def stage_register(stage: Stage) -> None:
    """Make ``stage`` the one that runs under its name."""
    _stages[stage.name] = stage


def stage_get(name: str) -> Stage:
    """The stage called ``name``. Raises StageUnknown."""
    try:
        return _stages[StageName(name)]
    except (KeyError, ValueError):
        raise StageUnknown(name=name) from None
