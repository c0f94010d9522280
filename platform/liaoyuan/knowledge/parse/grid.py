"""A grid of cells as a block, the same way for every format that has tables."""

from liaoyuan.knowledge.parse.blocks import Block, BlockType

Grid = list[list[str]]


def table_text(rows: Grid) -> str:
    """Cells joined by tabs, rows by line ends; breaks inside a cell become blanks."""
    return "\n".join("\t".join(" ".join(cell.split("\n")) for cell in row).rstrip("\t") for row in rows)


def trim(rows: Grid) -> Grid:
    """Without empty rows and without columns that are empty throughout."""
    kept = [row for row in rows if any(row)]
    width = max((len(row) for row in kept), default=0)
    padded = [row + [""] * (width - len(row)) for row in kept]
    columns = [index for index in range(width) if any(row[index] for row in padded)]
    return [[row[index] for index in columns] for row in padded]


def table_block(rows: Grid, *, filled: Grid | None = None, page: int | None = None, locator: str = "") -> Block:
    """``rows`` hold each value once and give the text; ``filled`` repeats merged cells and gives the table."""
    return Block(
        BlockType.TABLE, table_text(rows), page=page, locator=locator, table=filled if filled is not None else rows
    )
