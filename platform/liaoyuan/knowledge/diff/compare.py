"""Two parsed documents side by side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from liaoyuan.knowledge.diff.align import Pair, align, moves
from liaoyuan.knowledge.diff.tables import Cell, Row, tables_diff
from liaoyuan.knowledge.diff.words import Part, words_diff
from liaoyuan.knowledge.parse.blocks import Block, BlockType
from liaoyuan.knowledge.text.normalise import squeeze

ChangeKind = Literal["same", "changed", "added", "removed", "moved"]
# Larger tables are shown as two texts: thousands of rows in a diff help nobody.
_MOST_ROWS: Final = 400


@dataclass(frozen=True, slots=True)
class Side:
    """One version's block, with the way to its place."""

    block: int
    type: str
    text: str
    page: int | None
    locator: str
    heading_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the comparison in the newer version's reading order.

    ``parts`` are the words of a changed text, ``rows`` the cells of a changed table. A block that moved stands where it
    is now, with ``before`` telling where it was; if it changed on the way it has parts as well.
    """

    kind: ChangeKind
    before: Side | None = None
    after: Side | None = None
    parts: tuple[Part, ...] = ()
    rows: tuple[Row, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Change":
        return cls(
            kind=values["kind"],
            before=_side_from(values["before"]),
            after=_side_from(values["after"]),
            parts=tuple(Part(**part) for part in values["parts"]),
            rows=tuple(
                Row(
                    row["kind"],
                    row["number"],
                    tuple(Cell(cell["kind"], tuple(Part(**part) for part in cell["parts"])) for cell in row["cells"]),
                )
                for row in values["rows"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every block of both versions, and how many of them changed how."""

    changes: Sequence[Change]
    counts: dict[str, int] = field(default_factory=dict)
    # What each change is, where that is known without reading it.
    marked: Sequence[ChangeKind] | None = field(default=None, compare=False, repr=False)

    @property
    def kinds(self) -> list[ChangeKind]:
        """What each change is; of a stored comparison without reading the changes."""
        return list(self.marked) if self.marked is not None else [change.kind for change in self.changes]

    @property
    def equal(self) -> bool:
        return all(not count for kind, count in self.counts.items() if kind != "same")


def compare(before: Sequence[Block], after: Sequence[Block]) -> Comparison:
    """What a reader of ``before`` has to know of ``after``. Spaces and width of characters are no difference."""
    old, new = [squeeze(block.text) for block in before], [squeeze(block.text) for block in after]
    pairs = align([_key(b, t) for b, t in zip(before, old, strict=True)],
                  [_key(b, t) for b, t in zip(after, new, strict=True)], old, new)  # fmt: skip
    gone = [left for left, right in pairs if left is not None and right is None]
    come = [right for left, right in pairs if right is not None and left is None]
    moved = moves(gone, come, old, new)
    moved |= _tables_moved(
        [i for i in gone if i not in moved.values()], [j for j in come if j not in moved], before, after
    )
    changes = tuple(_change(pair, before, after, old, new) for pair in _with_moves(pairs, moved))
    told = tuple(_moved(change) if change.after and change.after.block in moved else change for change in changes)
    counts = Counter(change.kind for change in told)
    kinds: tuple[ChangeKind, ...] = ("same", "changed", "added", "removed", "moved")
    return Comparison(told, {kind: counts.get(kind, 0) for kind in kinds})


def _tables_moved(
    gone: Sequence[int], come: Sequence[int], before: Sequence[Block], after: Sequence[Block]
) -> dict[int, int]:
    """A table is the same one while it has the same head: its rows may all be others."""
    heads = {tuple(table[0]): place for place in reversed(gone) if (table := before[place].table)}
    found: dict[int, int] = {}
    for place in come:
        table = after[place].table
        if table and tuple(table[0]) in heads:
            found[place] = heads.pop(tuple(table[0]))
    return found


def _key(block: Block, text: str) -> tuple[str, str, str]:
    """Equal keys mean that nothing changed that a reader would see."""
    cells = "\x1e".join("\x1f".join(row) for row in block.table) if block.table else ""
    return block.type.value, text, cells


def _with_moves(pairs: Sequence[Pair], moved: dict[int, int]) -> list[Pair]:
    left_behind = set(moved.values())
    found: list[Pair] = []
    for left, right in pairs:
        if right is None and left in left_behind:
            continue
        found.append((moved[right], right) if left is None and right in moved else (left, right))
    return found


def _moved(change: Change) -> Change:
    return Change("moved", change.before, change.after, change.parts, change.rows)


def _change(
    pair: Pair, before: Sequence[Block], after: Sequence[Block], old: Sequence[str], new: Sequence[str]
) -> Change:
    left, right = pair
    one = _side(left, before[left]) if left is not None else None
    other = _side(right, after[right]) if right is not None else None
    if left is None or right is None:
        return Change("removed" if right is None else "added", one, other)
    if _key(before[left], old[left]) == _key(after[right], new[right]):
        return Change("same", one, other)
    rows = _rows(before[left], after[right])
    return Change("changed", one, other, () if rows else words_diff(before[left].text, after[right].text), rows)


def _rows(before: Block, after: Block) -> tuple[Row, ...]:
    tables = before.type is BlockType.TABLE and after.type is BlockType.TABLE
    if not tables or not before.table or not after.table or max(len(before.table), len(after.table)) > _MOST_ROWS:
        return ()
    return tables_diff(before.table, after.table)


def _side(number: int, block: Block) -> Side:
    return Side(number, block.type.value, block.text, block.page, block.locator, block.heading_path)


def _side_from(values: dict[str, Any] | None) -> Side | None:
    return Side(**(values | {"heading_path": tuple(values["heading_path"])})) if values else None
