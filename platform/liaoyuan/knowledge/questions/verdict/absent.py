"""Why the expected words are not in what is searched: switched off, cut, out of force, misread, or never brought."""

import time
from collections.abc import Sequence
from datetime import date
from difflib import SequenceMatcher
from typing import Final

from django.db.models import Q

from liaoyuan.knowledge.models import Chunk, DocumentVersion, VersionState
from liaoyuan.knowledge.questions.verdict.cases import Case
from liaoyuan.knowledge.questions.verdict.finding import Cause, Finding, Verdict, mend
from liaoyuan.knowledge.questions.verdict.originals import raw_hit, reread
from liaoyuan.knowledge.questions.verdict.ranking import searched
from liaoyuan.knowledge.questions.verdict.shown import expected, of_chunk, of_version, verdict
from liaoyuan.knowledge.questions.verdict.standing import (
    InBlocks,
    Wanted,
    blocks_text,
    chunks_holding,
    current_version,
    disabled,
    documents_named,
    in_blocks,
    named_first,
    out_of_force,
    searchable,
    versions_of,
)
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.selectors import in_force_on
from liaoyuan.knowledge.text.normalise import squeeze

# Opening files costs a process each: so many, and so long, before it is said how many were looked into.
_MOST_FILES: Final = 40
_SECONDS: Final = 25.0
_MOST_REREAD: Final = 2
_ALIKE: Final = 0.75
_SHORTEST_ALIKE: Final = 5


def unsearchable(case: Case, wanted: Wanted, day: date) -> Verdict:
    """The verdict on words that no searched chunk holds."""
    steps = (_switched_off, _cut, _out_of_force, _misread)
    for step in steps:
        found = step(case, wanted, day)
        if found is not None:
            return found
    return _missing(case, wanted, day)


def _switched_off(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    found = chunks_holding(disabled(case), wanted)
    if not found:
        return None
    chunk = found[0]
    return verdict(
        case,
        Cause.CHUNK,
        (
            "含有答案的分块被停用了，检索不会读它。",
            "The chunk that holds the answer is switched off: no search reads it.",
        ),
        [expected(case), of_chunk("disabled", chunk)],
        [mend("chunks", chunk.version.document_id, chunk=str(chunk.id))],
    )


def _cut(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    """In the parsed blocks of a version in force, but in no single chunk of it."""
    versions = named_first(versions_of(case, day, in_force=True), wanted)
    place = next(in_blocks(versions, wanted), None)
    if place is None:
        return None
    pieces = _pieces(case, place, day)
    findings = [expected(case), of_version("block", place.version, place.text, place.page, blocks=list(place.blocks))]
    findings += [of_chunk("cut", chunk) for chunk in pieces]
    several = len(pieces) > 1
    return verdict(
        case,
        Cause.CHUNK,
        (
            "答案被切在两个分块里，没有一个分块完整地包含它。"
            if several
            else "答案在解析结果里，但没有进入任何分块（被改掉或遗漏）。",
            "The answer is cut in two: no single chunk holds all of it."
            if several
            else "The answer was parsed, but no chunk holds it: it was edited away or left out.",
        ),
        findings,
        [mend("chunks", place.version.document_id, **({"chunk": str(pieces[0].id)} if pieces else {}))],
    )


def _pieces(case: Case, place: InBlocks, day: date) -> list[Chunk]:
    """The chunks made from the blocks that carry the words."""
    wanted = set(place.blocks)
    rows = searchable(case, day).filter(version_id=place.version.id).select_related("version__document")
    return [chunk for chunk in rows.order_by("ordinal") if wanted & {span[2] for span in chunk.spans}][:4]


def _out_of_force(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    found = chunks_holding(out_of_force(case, day), wanted)
    version = found[0].version if found else None
    text = found[0].text if found else ""
    if version is None:
        place = next(in_blocks(named_first(versions_of(case, day, in_force=False), wanted), wanted), None)
        if place is None:
            return None
        version, text = place.version, place.text
    newest = current_version(version.document_id, day, version.id)
    draft = version.state == VersionState.DRAFT or (version.effective_from is not None and version.effective_from > day)
    findings = [expected(case), of_version("draft" if draft else "version", version, text)]
    if newest is not None:
        findings.append(of_version("newer" if not draft else "version", newest))
    said = (
        f"答案只在“{version.title or version.document.name}”尚未生效的版本（{version.label}）里，现行版本没有。"
        if draft
        else f"答案只在“{version.title or version.document.name}”的旧版本（{version.label}）里，现行版本已没有这句话。",
        f"The answer stands only in version {version.label} of “{version.title or version.document.name}”, which is "
        + ("not in force yet." if draft else "no longer in force."),
    )
    return verdict(case, Cause.STALE, said, findings, [mend("versions", version.document_id)])


def _misread(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    """In a stored file, but not in what was read from it."""
    for version in documents_named(case, wanted):
        if version.state == VersionState.REJECTED:
            return _parse(case, version, "rejected", str(version.error.get("zh") or version.error.get("code", "")))
    return _in_files(case, wanted, day) or _in_scans(case, wanted, day) or _read_again(case, wanted, day)


def _in_files(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    ends = time.monotonic() + _SECONDS
    for version in _files(case, wanted, day):
        if time.monotonic() > ends:
            break
        hit = raw_hit(version, wanted)
        if hit is not None:
            kind = "rejected" if version.state == VersionState.REJECTED else "file_text"
            return _parse(
                case, version, kind, hit[0], hit[1], again=_finds(version, day) and reread(version, wanted) is not None
            )
    return None


def _in_scans(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    scans = [each for each in versions_of(case, day, in_force=True) if "ocr" in each.flags]
    for version in named_first(scans, wanted):
        near = nearest_words(version, wanted)
        if near is not None:
            return _parse(case, version, "misread", near[0], near[1])
    return None


def _read_again(case: Case, wanted: Wanted, day: date) -> Verdict | None:
    named = [version for version in documents_named(case, wanted) if _finds(version, day)]
    for version in named[:_MOST_REREAD]:
        found = reread(version, wanted)
        if found is not None:
            return _parse(case, version, "reread", found[0], found[1])
    return None


def _files(case: Case, wanted: Wanted, day: date) -> list[DocumentVersion]:
    """The files to open: those of the document named, those that were refused, then the rest."""
    rows = versions_readable().filter(document__collection_id=case.collection_id, document__erased_at__isnull=True)
    rows = rows.filter(in_force_on(day) | Q(state=VersionState.REJECTED)).select_related("document")
    listed = sorted(rows.order_by("document__name"), key=lambda version: version.state != VersionState.REJECTED)
    return named_first(listed, wanted)[:_MOST_FILES]


def _finds(version: DocumentVersion, day: date) -> bool:
    """Whether a search of that day reads the version, as ``in_force_on`` says it of rows."""
    begin, end = version.days
    return (begin is None or begin <= day) and (end is None or end > day)


def nearest_words(version: DocumentVersion, wanted: Wanted) -> tuple[str, int | None] | None:
    """Words of a scan that look like those expected: what recognition made of them, and the page."""
    words = [squeeze(word) for word in wanted.words if len(squeeze(word)) >= _SHORTEST_ALIKE]
    best: tuple[float, str, int | None] = (_ALIKE, "", None)
    for page, text in blocks_text(version):
        folded = squeeze(text)
        for word in words:
            matcher = SequenceMatcher(None, word, folded, autojunk=False)
            match = matcher.find_longest_match()
            start = max(0, match.b - match.a)
            window = folded[start : start + len(word)]
            alike = SequenceMatcher(None, word, window, autojunk=False).ratio()
            if alike >= best[0]:
                best = (alike, window, page)
    return (best[1], best[2]) if best[1] else None


_WHY: Final = {
    "rejected": ("含有答案的文件未能读取", "The file that holds the answer could not be read"),
    "file_text": (
        "文件里有这句话，解析结果里却没有",
        "The words stand in the file, but not in what was parsed from it",
    ),
    "misread": ("扫描件识别有误：这句话被认成了别的字", "Recognition misread the scan: the words came out differently"),
    "reread": ("当时的解析漏掉了这句话，现在重新解析能读到", "Parsing lost the words; read again today it finds them"),
}


def _parse(
    case: Case, version: DocumentVersion, kind: str, text: str, page: int | None = None, *, again: bool = False
) -> Verdict:
    zh, en = _WHY[kind]
    name = version.title or version.document.name
    findings = [expected(case), of_version(kind, version, text, page)]
    if again:
        findings.append(of_version("reread", version))
    query = {"version": str(version.id), "page": str(page)} if page is not None else {"version": str(version.id)}
    return verdict(
        case,
        Cause.PARSE,
        (
            f"{zh}：“{name}”" + (f"第 {page} 页。" if page else "。"),
            f"{en}: “{name}”" + (f", page {page}." if page else "."),
        ),
        findings,
        [mend("document", version.document_id, **query), mend("collection", case.collection_id, state="refused")],
    )


def _missing(case: Case, wanted: Wanted, day: date) -> Verdict:
    named = documents_named(case, wanted)
    versions = list(versions_of(case, day, in_force=True))
    looked = {"documents": len(versions), "files": len(_files(case, wanted, day)), "named": bool(named)}
    findings: list[Finding] = [expected(case), Finding("searched", wanted.document, numbers=looked)]
    findings += _near(case, day)
    if wanted.document and not named:
        said = (
            f"文档集里没有“{wanted.document}”。请上传这份文档。",
            f"The collection holds no document “{wanted.document}”. Bring it.",
        )
    else:
        said = (
            f"查过 {len(versions)} 份现行文档的解析结果和原文件，都没有这句话：文档集里缺少这份内容。",
            (
                f"Neither the parsed text of {len(versions)} documents in force nor their files hold these words: "
                "the document is missing."
            ),
        )
    return verdict(
        case,
        Cause.MISSING,
        said,
        findings,
        [mend("collection", case.collection_id), mend("sources", case.collection_id)],
    )


def _near(case: Case, day: date) -> Sequence[Finding]:
    """The closest that the collection has."""
    search = searched(case, day)
    ranked = search.found.ranked[: search.depth]
    rows = Chunk.objects.select_related("version__document").in_bulk([item.candidate.chunk_id for item in ranked])
    return [of_chunk("near", chunk) for chunk in rows.values()]
