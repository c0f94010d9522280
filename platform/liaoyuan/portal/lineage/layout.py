"""Where the nodes of a graph stand: layers from left to right, few crossings, edges as curves. Pure numbers."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

N = TypeVar("N", bound=Hashable)
WIDTH: Final = 204
HEIGHT: Final = 46
ACROSS: Final = 60
DOWN: Final = 12
MARGIN: Final = 12
SWEEPS: Final = 6


@dataclass(frozen=True)
class Place:
    """The upper left corner of a node, in pixels."""

    x: int
    y: int


@dataclass(frozen=True)
class Curve:
    """An edge as an SVG path from the right side of one node to the left side of another."""

    path: str


@dataclass(frozen=True)
class Drawing(Generic[N]):
    """All places and the size of the whole."""

    places: Mapping[N, Place]
    width: int
    height: int


def layers(nodes: Sequence[N], edges: Iterable[tuple[N, N]]) -> dict[N, int]:
    """The layer of each node: behind all of its parents, and a node without parents right before its first child."""
    parents: dict[N, list[N]] = {node: [] for node in nodes}
    children: dict[N, list[N]] = {node: [] for node in nodes}
    for parent, child in edges:
        if parent in parents and child in parents and parent != child:
            parents[child].append(parent)
            children[parent].append(child)
    found: dict[N, int] = {}
    for node in _in_order(nodes, parents, children):
        found[node] = max((found[parent] + 1 for parent in parents[node] if parent in found), default=0)
    for node in nodes:
        if not parents[node] and children[node]:
            found[node] = max(0, min(found[child] for child in children[node]) - 1)
    return found


def draw(nodes: Sequence[N], edges: Sequence[tuple[N, N]]) -> Drawing[N]:
    """Places for ``nodes``; those of one layer stand below each other, near what they are tied to."""
    of_layer = layers(nodes, edges)
    columns: dict[int, list[N]] = {}
    for node in nodes:
        columns.setdefault(of_layer[node], []).append(node)
    ordered = [columns[number] for number in sorted(columns)]
    _uncross(ordered, edges)
    tallest = max((len(column) for column in ordered), default=0)
    places = {}
    for number, column in enumerate(ordered):
        top = MARGIN + (tallest - len(column)) * (HEIGHT + DOWN) // 2
        for row, node in enumerate(column):
            places[node] = Place(MARGIN + number * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN))
    width = 2 * MARGIN + len(ordered) * WIDTH + max(0, len(ordered) - 1) * ACROSS
    return Drawing(places, width, 2 * MARGIN + tallest * (HEIGHT + DOWN) - (DOWN if tallest else 0))


def curve(start: Place, end: Place) -> Curve:
    """From the middle of the right side of ``start`` to the middle of the left side of ``end``."""
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    bend = max(24, abs(x2 - x1) // 2)
    return Curve(f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}")


def _in_order(nodes: Sequence[N], parents: Mapping[N, list[N]], children: Mapping[N, list[N]]) -> list[N]:
    """Parents before children; what stands in a cycle comes last, in the given order."""
    open_parents = {node: len(set(parents[node])) for node in nodes}
    ready = [node for node in nodes if not open_parents[node]]
    found: dict[N, None] = {}
    while ready:
        node = ready.pop(0)
        found[node] = None
        for child in dict.fromkeys(children[node]):
            open_parents[child] -= 1
            if not open_parents[child]:
                ready.append(child)
    return [*found, *(node for node in nodes if node not in found)]


def _uncross(columns: list[list[N]], edges: Sequence[tuple[N, N]]) -> None:
    """Order every column by the mean place of its neighbours, there and back a few times."""
    tied: dict[N, list[N]] = {}
    for parent, child in edges:
        tied.setdefault(parent, []).append(child)
        tied.setdefault(child, []).append(parent)
    for sweep in range(SWEEPS):
        place = {node: row - len(column) / 2 for column in columns for row, node in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda node: _mean([place[other] for other in tied.get(node, [])], place[node]))
            place |= {node: row - len(column) / 2 for row, node in enumerate(column)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
