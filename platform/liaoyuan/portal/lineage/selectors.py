"""The graph around one artifact: placed, named, and only with what the reader may see."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Chunk, Document
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.pipeline.models import Artifact
from liaoyuan.pipeline.neighbours import Fan, Key, Link, Neighbourhood, lineage_known, lineage_totals, neighbourhood
from liaoyuan.portal.lineage.layout import HEIGHT, WIDTH, Place, curve, draw
from liaoyuan.portal.lineage.names import Named, names_of
from liaoyuan.portal.lineage.words import KIND_ICONS, KINDS, OTHER_ICON, RELATIONS

# What fits on one line of a node, in half widths: a Chinese character takes two.
FITS: Final = 22
HEAD_FITS: Final = 26
CHUNK: Final = "chunk"


@dataclass(frozen=True)
class NodeView:
    """One artifact in the drawing; ``address`` puts it into the middle."""

    key: Key
    kind: Any
    icon: str
    title: str
    head: str
    line: str
    detail: str
    address: str
    opens: str
    current: bool
    place: Place


@dataclass(frozen=True)
class FanView:
    """What is not shown at a node: ``rest`` more, of which ``hidden`` may not be seen by the reader."""

    rest: int
    hidden: int
    kind: Any
    address: str
    place: Place
    opened: bool = False


@dataclass(frozen=True)
class Branch:
    """The same as a nested list, for the keyboard and the ear."""

    node: NodeView
    relation: Any
    children: Sequence["Branch"]
    fans: Sequence[FanView]


@dataclass(frozen=True)
class Total:
    kind: Any
    count: int


@dataclass(frozen=True)
class LineagePage:
    """The drawing and its list; sizes in pixels."""

    start: NodeView
    artifact: Artifact | None
    nodes: Sequence[NodeView]
    fans: Sequence[FanView]
    edges: Sequence[str]
    strong: Sequence[str]
    width: int
    height: int
    up: Sequence[Branch]
    down: Sequence[Branch]
    up_fans: Sequence[FanView]
    down_fans: Sequence[FanView]
    below: Sequence[Total]
    above: Sequence[Total]
    opened: bool
    box: tuple[int, int] = field(default=(WIDTH, HEIGHT))


def lineage_page(kind: str, identifier: UUID, principal: Principal, *, opened: Collection[str] = ()) -> LineagePage:
    """The graph around one artifact. Raises NotFound: missing, foreign, or of a document that may not be read."""
    visible = visible_documents()
    artifact = Artifact.objects.filter(id=identifier, kind=kind).select_related("run").first()
    _refuse_unseen(kind, identifier, artifact, visible)
    found = neighbourhood(kind, identifier, visible=visible, opened=opened)
    return _page(found, artifact, principal, list(opened))


def visible_documents() -> dict[str, set[UUID]]:
    """Of the kinds that a reader may see in part, what they may see; empty where they may see all."""
    if current_tenant().groups is None:
        return {}
    pairs = list(versions_readable().values_list("id", "document_id"))
    return {"document_version": {version for version, _d in pairs}, "document": {document for _v, document in pairs}}


def _refuse_unseen(kind: str, identifier: UUID, artifact: Artifact | None, visible: Mapping[str, set[UUID]]) -> None:
    known = artifact is not None or lineage_known(kind, identifier)
    if not known and kind == "document":
        known = Document.objects.filter(id=identifier).exists()
    seen = kind not in visible or identifier in visible[kind]
    if visible and kind == CHUNK:
        seen = Chunk.objects.filter(id=identifier, version_id__in=visible["document_version"]).exists()
    if not (known and seen):
        raise NotFound


def _page(found: Neighbourhood, artifact: Artifact | None, principal: Principal, opened: Sequence[str]) -> LineagePage:
    names = names_of(found.nodes, principal)
    fan_keys = {fan: _fan_key(fan) for fan in found.fans}
    drawing = draw([*found.nodes, *fan_keys.values()], [*_pairs(found.links), *map(_fan_edge, found.fans)])
    nodes = {key: _node(key, names.get(key), drawing.places[key], found.start) for key in found.nodes}
    fans = {fan: _fan(fan, found.start, drawing.places[key], opened) for fan, key in fan_keys.items()}
    above, below = lineage_totals(*found.start)
    list_up, list_down = _Tree(found, nodes, fans, "up"), _Tree(found, nodes, fans, "down")
    near = {(link.parent, link.child) for link in found.links if found.start in (link.parent, link.child)}
    paths = [(pair, curve(drawing.places[pair[0]], drawing.places[pair[1]]).path) for pair in _pairs(found.links)]
    ties = [curve(drawing.places[a], drawing.places[b]).path for a, b in map(_fan_edge, found.fans)]
    return LineagePage(
        start=nodes[found.start],
        artifact=artifact,
        nodes=list(nodes.values()),
        fans=list(fans.values()),
        edges=[*ties, *(path for pair, path in paths if pair not in near)],
        strong=[path for pair, path in paths if pair in near],
        width=drawing.width,
        height=drawing.height,
        up=list_up.branches(found.start),
        down=list_down.branches(found.start),
        up_fans=list_up.fans_at(found.start),
        down_fans=list_down.fans_at(found.start),
        above=_totals(above),
        below=_totals(below),
        opened=bool(opened),
    )


class _Tree:
    """Walks the graph once in one direction; a node that was listed before is not listed again."""

    def __init__(
        self, found: Neighbourhood, nodes: Mapping[Key, NodeView], fans: Mapping[Fan, FanView], direction: str
    ) -> None:
        self._nodes, self._fans, self._direction = nodes, fans, direction
        self._next: dict[Key, list[tuple[Key, str]]] = {}
        for link in found.links:
            near, far = (link.child, link.parent) if direction == "up" else (link.parent, link.child)
            self._next.setdefault(near, []).append((far, link.relation))
        self._met = {found.start}

    def branches(self, key: Key) -> list[Branch]:
        fresh = [(far, relation) for far, relation in self._next.get(key, []) if far not in self._met]
        self._met.update(far for far, _relation in fresh)
        unique = dict(fresh)
        return [self._branch(far, relation) for far, relation in unique.items()]

    def fans_at(self, key: Key) -> list[FanView]:
        return [view for fan, view in self._fans.items() if fan.at == key and fan.direction == self._direction]

    def _branch(self, key: Key, relation: str) -> Branch:
        return Branch(self._nodes[key], RELATIONS.get(relation, relation), self.branches(key), self.fans_at(key))


def _node(key: Key, named: Named | None, place: Place, start: Key) -> NodeView:
    kind = KINDS.get(key[0], key[0].replace("_", " "))
    title = named.title if named else str(key[1])[:8]
    detail = named.detail if named else ""
    return NodeView(
        key=key,
        kind=kind,
        icon=KIND_ICONS.get(key[0], OTHER_ICON),
        title=title,
        head=fitting(" · ".join(filter(None, [str(kind), detail])), HEAD_FITS),
        line=fitting(title),
        detail=detail,
        address=reverse("lineage_of", args=[key[0], key[1]]),
        opens=named.address if named else "",
        current=key == start,
        place=place,
    )


def fitting(text: str, most: int = FITS) -> str:
    """The beginning of ``text`` that fits on a node's line of ``most`` half widths."""
    width, kept = 0, ""
    for character in text:
        width += 2 if ord(character) > 0x2E7F else 1
        if width > most:
            return f"{kept}…"
        kept += character
    return kept


def _fan(fan: Fan, start: Key, place: Place, opened: Sequence[str]) -> FanView:
    name = f"{fan.at[0]}:{fan.at[1]}:{fan.kind}"
    query = urlencode([("open", each) for each in dict.fromkeys([*opened, name])])
    # What is open already, or may not be seen, cannot be opened further: the node at which it hangs is looked at alone.
    more = fan.rest > fan.hidden and name not in opened
    address = f"{reverse('lineage_of', args=list(start))}?{query}" if more else ""
    return FanView(fan.rest, fan.hidden, KINDS.get(fan.kind, fan.kind), address, place, name in opened)


def _fan_key(fan: Fan) -> Key:
    return (f"more:{fan.direction}:{fan.at[0]}:{fan.kind}", fan.at[1])


def _fan_edge(fan: Fan) -> tuple[Key, Key]:
    return (_fan_key(fan), fan.at) if fan.direction == "up" else (fan.at, _fan_key(fan))


def _pairs(links: Iterable[Link]) -> list[tuple[Key, Key]]:
    return list(dict.fromkeys((link.parent, link.child) for link in links))


def _totals(counts: Mapping[str, int]) -> list[Total]:
    return [Total(KINDS.get(kind, kind), count) for kind, count in counts.items()]
