"""The lineage around one artifact, bounded: of a large fan only the beginning is read, and the rest is counted.

:func:`liaoyuan.pipeline.selectors.lineage_up` gives the whole closure, for erasure and for proofs; a page that shows a
bundle with a hundred thousand answers asks here. Ask inside ``tenant_context``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import connection

from liaoyuan.pipeline.selectors import Direction

Key = tuple[str, UUID]
MOST_NODES: Final = 240
DEEPEST: Final = 12
FAN: Final = 5
FAN_OPENED: Final = 60


@dataclass(frozen=True)
class Link:
    """parent —relation→ child."""

    parent: Key
    child: Key
    relation: str


@dataclass(frozen=True)
class Fan:
    """What hangs at ``at`` and is not shown: ``rest`` of ``total`` neighbours of ``kind``, ``hidden`` of which the
    reader may not see."""

    at: Key
    kind: str
    direction: Direction
    total: int
    rest: int
    hidden: int


@dataclass
class Neighbourhood:
    """What was found around ``start``: nodes in the order in which they were met, the links between them, the fans."""

    start: Key
    nodes: dict[Key, None] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    fans: list[Fan] = field(default_factory=list)


# The newest answers first; everything else in one order, so that two fans over the same things begin alike.
LEVEL: Final = """
WITH near AS (SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::uuid[]) AS n(kind, id)),
seen AS (SELECT * FROM unnest(%(seen_kinds)s::text[], %(seen_ids)s::uuid[]) AS s(kind, id)),
edges AS (
    SELECT l.{near}_kind AS near_kind, l.{near}_id AS near_id, l.{far}_kind AS far_kind, l.{far}_id AS far_id,
        l.relation, l.created_at,
        l.{far}_kind = ANY(%(limited)s::text[])
            AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.kind = l.{far}_kind AND s.id = l.{far}_id) AS hidden
    FROM pipeline_lineage l JOIN near n ON l.{near}_kind = n.kind AND l.{near}_id = n.id
),
placed AS (
    SELECT *, count(*) OVER fan AS total, count(*) FILTER (WHERE hidden) OVER fan AS unseen,
        row_number() OVER (PARTITION BY near_kind, near_id, far_kind
            ORDER BY hidden, CASE WHEN far_kind = 'answer' THEN created_at END DESC NULLS LAST, far_id) AS place
    FROM edges WINDOW fan AS (PARTITION BY near_kind, near_id, far_kind)
)
SELECT near_kind, near_id, far_kind, far_id, relation, hidden, total, unseen FROM placed
WHERE place = 1 OR (NOT hidden AND place <= CASE
    WHEN near_kind || ':' || near_id || ':' || far_kind = ANY(%(opened)s::text[]) THEN %(many)s ELSE %(few)s END)
ORDER BY near_kind, near_id, far_kind, place
"""
UP: Final = LEVEL.format(near="child", far="parent")
DOWN: Final = LEVEL.format(near="parent", far="child")
BETWEEN: Final = """
WITH n AS (SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::uuid[]) AS n(kind, id))
SELECT l.parent_kind, l.parent_id, l.child_kind, l.child_id, l.relation FROM pipeline_lineage l
JOIN n p ON l.parent_kind = p.kind AND l.parent_id = p.id JOIN n c ON l.child_kind = c.kind AND l.child_id = c.id
ORDER BY 1, 3, 2, 4
"""
TOTALS: Final = """
WITH RECURSIVE walk(kind, id) AS (
    SELECT {far}_kind, {far}_id FROM pipeline_lineage WHERE {near}_kind = %(kind)s AND {near}_id = %(id)s
  UNION
    SELECT l.{far}_kind, l.{far}_id FROM pipeline_lineage l JOIN walk w ON l.{near}_kind = w.kind AND l.{near}_id = w.id
)
SELECT kind, count(*) FROM walk GROUP BY kind ORDER BY kind
"""
TOTALS_UP: Final = TOTALS.format(near="child", far="parent")
TOTALS_DOWN: Final = TOTALS.format(near="parent", far="child")


def neighbourhood(
    kind: str,
    identifier: UUID,
    *,
    visible: Mapping[str, Collection[UUID]] | None = None,
    opened: Iterable[str] = (),
) -> Neighbourhood:
    """What ``kind:identifier`` rests on and what rests on it, a few of each fan.

    ``visible`` names, for the kinds that the reader may see only in part, those that they may see. ``opened`` holds
    fans ("kind:id:kind of the neighbours") to be shown further.
    """
    found = Neighbourhood((kind, identifier))
    found.nodes[found.start] = None
    limits = _limits(visible or {}) | {"opened": list(opened), "few": FAN, "many": FAN_OPENED}
    for direction, query in (("up", UP), ("down", DOWN)):
        _walk(found, direction, query, limits)  # type: ignore[arg-type]  # mypy widens the literals of the pair
    found.links = _between(found.nodes)
    return found


def lineage_totals(kind: str, identifier: UUID) -> tuple[dict[str, int], dict[str, int]]:
    """How many of each kind it rests on, and how many of each kind rest on it, all the way."""
    asked = {"kind": kind, "id": identifier}
    return dict(_rows(TOTALS_UP, asked)), dict(_rows(TOTALS_DOWN, asked))


def lineage_known(kind: str, identifier: UUID) -> bool:
    """Whether any edge names it."""
    query = (
        "SELECT 1 FROM pipeline_lineage WHERE (parent_kind = %(kind)s AND parent_id = %(id)s)"
        " OR (child_kind = %(kind)s AND child_id = %(id)s) LIMIT 1"
    )
    return bool(_rows(query, {"kind": kind, "id": identifier}))


def _walk(found: Neighbourhood, direction: Direction, query: str, limits: Mapping[str, Any]) -> None:
    frontier: list[Key] = [found.start]
    met: set[Key] = {found.start}
    for _level in range(DEEPEST):
        if not frontier or len(found.nodes) >= MOST_NODES:
            return
        fresh: list[Key] = []
        for fan, shown in _level_fans(frontier, direction, query, limits):
            fresh += [key for key in shown if key not in met]
            met.update(shown)
            found.nodes |= dict.fromkeys(shown)
            if fan.rest:
                found.fans.append(fan)
        frontier = list(dict.fromkeys(fresh))


def _level_fans(
    frontier: Sequence[Key], direction: Direction, query: str, limits: Mapping[str, Any]
) -> list[tuple[Fan, list[Key]]]:
    """One step away from ``frontier``: each fan with those of its neighbours that are shown."""
    near = {"kinds": [key[0] for key in frontier], "ids": [key[1] for key in frontier]}
    grouped: dict[tuple[Key, str], tuple[int, int, list[Key]]] = {}
    for near_kind, near_id, far_kind, far_id, _relation, hidden, total, unseen in _rows(query, {**limits, **near}):
        fan = grouped.setdefault(((near_kind, near_id), far_kind), (total, unseen, []))
        if not hidden:
            fan[2].append((far_kind, far_id))
    return [
        (Fan(at, kind, direction, total, total - len(shown), unseen), shown)
        for (at, kind), (total, unseen, shown) in grouped.items()
    ]


def _between(nodes: Iterable[Key]) -> list[Link]:
    keys = list(nodes)
    rows = _rows(BETWEEN, {"kinds": [key[0] for key in keys], "ids": [key[1] for key in keys]})
    return [Link((row[0], row[1]), (row[2], row[3]), row[4]) for row in rows]


def _limits(visible: Mapping[str, Collection[UUID]]) -> dict[str, Any]:
    pairs = [(kind, identifier) for kind, ids in visible.items() for identifier in ids]
    return {
        "limited": list(visible),
        "seen_kinds": [kind for kind, _identifier in pairs],
        "seen_ids": [identifier for _kind, identifier in pairs],
    }


def _rows(query: str, parameters: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
