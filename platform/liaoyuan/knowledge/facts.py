"""What is known of a file besides its bytes: which document it is a version of, from when, and who may read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from liaoyuan.industry.pack import IndustryPack


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """Facts that outrank what the file name tells. ``document`` names the document that the file is a version of."""

    document: str = ""
    effective_from: date | None = None
    groups: tuple[str, ...] | None = None
    # It waits for a person who puts it in force.
    draft: bool = False


def pack_facts(pack: IndustryPack) -> dict[str, DocumentFacts]:
    """Facts of a pack's sample documents by file name: a superseded file becomes an older version of its successor."""
    successors = {item.supersedes: item.file for item in pack.documents.documents if item.supersedes}
    return {
        item.file: DocumentFacts(document=_last(item.file, successors), effective_from=item.effective)
        for item in pack.documents.documents
    }


def _last(file: str, successors: Mapping[str, str]) -> str:
    seen: set[str] = set()
    while file in successors and file not in seen:
        seen.add(file)
        file = successors[file]
    return file
