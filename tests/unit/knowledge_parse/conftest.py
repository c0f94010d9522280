"""One pool for all tests here: as in production, children are warm and serve many files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liaoyuan.knowledge.parse.limits import Limits
from liaoyuan.knowledge.parse.pool import ParsePool
from liaoyuan.knowledge.parse.sandbox import ParseOutcome

Parse = Callable[[Path], ParseOutcome]


@pytest.fixture(scope="session")
def pool() -> Iterator[ParsePool]:
    with ParsePool(workers=1, limits=Limits(seconds=300, pages=50)) as shared:
        yield shared


@pytest.fixture
def parse(pool: ParsePool) -> Parse:
    return lambda path: pool.submit(path).result()
