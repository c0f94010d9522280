"""Lines find their characters: readers know what stood in each line, and here each gets its place in the whole text."""

from dataclasses import replace

from liaoyuan.knowledge.parse.blocks import Block, TextLine
from liaoyuan.knowledge.parse.text import clean

_DROPPED = "\u00ad\ufffe\x02"


def placed(block: Block) -> Block:
    """``block`` with ``start`` and ``end`` in each of its lines; lines whose words it does not hold are left out.

    Joining lines changes blanks and hyphens only, so the words are compared without them, from one line to the next.
    """
    if not block.lines:
        return block
    positions = [index for index, character in enumerate(block.text) if _counts(character)]
    squeezed = "".join(block.text[index] for index in positions)
    found: list[TextLine] = []
    after = 0
    for line in block.lines:
        wanted = "".join(filter(_counts, clean(line.text)[0]))
        at, length = _find(squeezed, wanted, after)
        if at >= 0 and length:
            after = at + length
            found.append(replace(line, start=positions[at], end=positions[after - 1] + 1, text=""))
    return replace(block, lines=tuple(found))


def _counts(character: str) -> bool:
    return not character.isspace() and character not in _DROPPED


def _find(text: str, wanted: str, after: int) -> tuple[int, int]:
    at = text.find(wanted, after)
    if at < 0 and wanted.endswith("-"):
        # The hyphen at the line's end went as the word was joined.
        wanted = wanted[:-1]
        at = text.find(wanted, after)
    return at, len(wanted)
