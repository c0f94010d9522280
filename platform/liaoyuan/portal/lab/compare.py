"""Two ways of searching side by side: which passages rose, fell, came or went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from liaoyuan.knowledge.explain import Explained, Row
from liaoyuan.portal.chat.marks import Line as AnswerLine
from liaoyuan.portal.chat.marks import Table, lines_of
from liaoyuan.portal.evaluation.words import FEATURES
from liaoyuan.portal.lab.words import RERANKERS
from liaoyuan.portal.lineage.steps import SPANS

Change = Literal["", "same", "up", "down", "new"]
_FEATURES_SHOWN = 6


@dataclass(frozen=True)
class Line:
    """A candidate with its place on the other side."""

    row: Row
    change: Change
    by: int
    features: Sequence[tuple[Any, float]]


@dataclass(frozen=True)
class Step:
    """A timed step, with its share of the whole in percent."""

    name: Any
    milliseconds: float
    percent: int


@dataclass(frozen=True)
class Side:
    """One of the two."""

    letter: str
    explained: Explained
    lines: Sequence[Line]
    steps: Sequence[Step]
    total_ms: float
    gone: Sequence[Row]

    @property
    def reranker(self) -> Any:
        """Who put the passages in order, in words."""
        return RERANKERS.get(self.explained.reranker, self.explained.reranker)

    @property
    def answer_lines(self) -> Sequence[AnswerLine | Table]:
        """The answer as the chat shows it: marks behind what is cited, rows as a table."""
        answer = self.explained.answer
        cited = [{"quote": each.quote, "header": each.header, "chunk_id": each.chunk_id} for each in answer.citations]
        return lines_of({"text": answer.answer, "citations": cited, "mode": answer.mode})


def sides_of(found: Sequence[Explained]) -> list[Side]:
    """One side, or two that know of each other."""
    others = list(reversed(found)) if len(found) == 2 else [None] * len(found)
    return [_side("AB"[place], one, other) for place, (one, other) in enumerate(zip(found, others, strict=True))]


def _side(letter: str, one: Explained, other: Explained | None) -> Side:
    ranks = {row.chunk_id: row.rank for row in other.rows} if other else {}
    mine = {row.chunk_id for row in one.rows}
    return Side(
        letter=letter,
        explained=one,
        lines=[_line(row, ranks if other else None) for row in one.rows],
        steps=_steps(one.timings),
        total_ms=round(one.timings.get("total", 0.0) * 1000, 1),
        gone=[row for row in other.rows[:10] if row.chunk_id not in mine] if other else [],
    )


def _line(row: Row, ranks: dict[str, int] | None) -> Line:
    sizes = sorted(row.features.items(), key=lambda item: -abs(item[1]))[:_FEATURES_SHOWN]
    strongest = [(FEATURES.get(name, name), value) for name, value in sizes]
    if ranks is None:
        return Line(row, "", 0, strongest)
    before = ranks.get(row.chunk_id)
    if before is None:
        return Line(row, "new", 0, strongest)
    change: Change = "same" if before == row.rank else ("up" if row.rank < before else "down")
    return Line(row, change, abs(before - row.rank), strongest)


def _steps(timings: dict[str, Any]) -> list[Step]:
    whole = timings.get("total") or sum(timings.values()) or 1.0
    return [
        Step(SPANS.get(name, name), round(seconds * 1000, 1), round(100 * seconds / whole))
        for name, seconds in timings.items()
        if name != "total"
    ]
