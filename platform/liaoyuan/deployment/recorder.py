"""Times the steps of one answer, for its trace."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from liaoyuan.pipeline.ports import GuardVerdict, Span


class Recorder:
    """Collects spans, guard decisions and token counts from the moment it is made.

    ``listen`` is told the name of each step as it begins, for a page that shows what is going on.
    """

    def __init__(self, listen: Callable[[str], None] | None = None) -> None:
        self.begin = listen or (lambda name: None)
        self._began = time.perf_counter()
        self.spans: list[Span] = []
        self.guard: list[dict[str, Any]] = []
        self.prompt_tokens = 0
        self.completion_tokens = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._began

    @contextmanager
    def span(self, name: str, **attributes: Any) -> Iterator[dict[str, Any]]:
        """Time a step; what the block puts into the yielded dict becomes the span's attributes."""
        self.begin(name)
        start, noted = self.seconds, dict(attributes)
        try:
            yield noted
        finally:
            self.spans.append(Span(name, start, self.seconds - start, noted))

    def add(self, name: str, seconds: float, *, start: float, **attributes: Any) -> None:
        """A step that was timed elsewhere."""
        self.spans.append(Span(name, start, seconds, attributes))

    def decided(self, side: str, verdict: GuardVerdict) -> None:
        """Note a decision of the guardrail. Its text stays out of it: what was masked must not come back in a trace."""
        noted = asdict(verdict)
        noted.pop("text")
        self.guard.append({"side": side} | noted)
