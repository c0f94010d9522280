"""The text that a stored file holds by itself, read in the plainest way, to hold against what the parser made of it.

The file is a stranger's: it is read in the confined child of the parser, once by what the parser does today and, for
formats with a text layer of their own, by this module's plain readers in the same kind of child.
"""

from pathlib import Path
from typing import Final

from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.parse.sandbox import ParseOutcome, parse_file
from liaoyuan.knowledge.questions.plain import plain_text
from liaoyuan.knowledge.questions.verdict.standing import Wanted, original_of
from liaoyuan.knowledge.text.normalise import squeeze

_AROUND: Final = 60


def raw_hit(version: DocumentVersion, wanted: Wanted) -> tuple[str, int | None] | None:
    """The words around the expected ones in the file's own text layer and their page; None where they are not."""
    pages = plain_text(Path(original_of(version)), name=version.file_name)
    words = [squeeze(word) for word in wanted.words]
    for number, text in pages:
        folded = squeeze(text)
        for word in words:
            at = folded.find(word) if word else -1
            if at >= 0:
                return folded[max(0, at - _AROUND) : at + len(word) + _AROUND], number
    return None


def reread(version: DocumentVersion, wanted: Wanted) -> tuple[str, int | None] | None:
    """The block that holds the words when the file is parsed again today; None where none does."""
    outcome: ParseOutcome = parse_file(original_of(version), name=Path(version.file_name).name)
    if outcome.document is None:
        return None
    for block in outcome.document.blocks:
        if wanted.held_by(block.text):
            return block.text[:400], block.page
    return None
