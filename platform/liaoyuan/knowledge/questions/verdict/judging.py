"""The verdict: the chain is walked from the file to the answer, and the first broken link is named with its proof."""

from collections.abc import Sequence
from datetime import date

from django.utils import timezone

from liaoyuan.knowledge.answer import KnowledgeAnswer, answer_question
from liaoyuan.knowledge.evaluate import index_named, is_place
from liaoyuan.knowledge.models import Chunk, DocumentVersion
from liaoyuan.knowledge.questions.verdict.absent import unsearchable
from liaoyuan.knowledge.questions.verdict.cases import Case
from liaoyuan.knowledge.questions.verdict.finding import Cause, Finding, Verdict, mend
from liaoyuan.knowledge.questions.verdict.ranking import Search, legs_of, outweighed, searched
from liaoyuan.knowledge.questions.verdict.shown import expected, of_chunk, of_version, verdict
from liaoyuan.knowledge.questions.verdict.standing import chunks_holding, current_version, searchable, wanted_of
from liaoyuan.knowledge.retrieve import retrieval_settings
from liaoyuan.knowledge.rights import versions_readable
from liaoyuan.knowledge.text.facts import unmatched
from liaoyuan.knowledge.text.normalise import squeeze

UNKNOWN = (
    "还不知道正确答案：请输入应有的原文，或指出它所在的段落。",
    "What the right answer is, is not known yet: type its words, or point at the passage.",
)
FINE = ("回答包含了应有的内容，没有问题。", "The answer says what it should: nothing is wrong with it.")


def verdict_of(case: Case) -> Verdict:
    """Why the answer of ``case`` was bad, or that it was not. Call inside the tenant context of who wants to know.

    Nothing beyond that person's rights is looked at or told.
    """
    day = case.day or timezone.localdate()
    if not case.known:
        return verdict(case, Cause.UNKNOWN, UNKNOWN)
    if not case.answerable:
        return _unanswerable(case, day)
    outdated = _outdated(case, day)
    if outdated is not None:
        return outdated
    if case.answer is not None and _right(case, case.answer, case.abstained, case.chunks):
        return verdict(case, Cause.FINE, FINE, [expected(case), Finding("answer", case.answer)])
    return _walk(case, day)


def _walk(case: Case, day: date) -> Verdict:
    """From the index to the answer; what the index does not hold is looked for further back."""
    found: list[list[Chunk]] = []
    for wanted in wanted_of(case):
        chunks = chunks_holding(searchable(case, day), wanted)
        if not chunks:
            return unsearchable(case, wanted, day)
        found.append(chunks)
    for chunks in found:
        if not any(_may_read(case, chunk) for chunk in chunks):
            return _forbidden(case, chunks[0])
    search = searched(case, day)
    placed = [(search.rank_of([str(chunk.id) for chunk in chunks]), chunks[0]) for chunks in found]
    for rank, chunk in placed:
        if rank is None:
            return _not_retrieved(case, search, chunk)
    read = search.chunks_read
    unread = [item for chunks, item in zip(found, placed, strict=True) if not read & {str(each.id) for each in chunks}]
    worst, chunk = max(unread or placed, key=lambda item: item[0] or 0)
    if unread:
        return _ranked_low(case, search, worst or 0, chunk)
    return _not_said(case, search, worst or 0, chunk)


def _right(case: Case, answer: str, abstained: bool, cited: Sequence[str]) -> bool:
    """Whether an answer says what it must; without words to say, whether it quotes the right place."""
    if abstained:
        return False
    if case.literals:
        text = squeeze(answer)
        return all(squeeze(word) in text for word in case.literals)
    rows = Chunk.objects.select_related("version__document").filter(id__in=list(cited), version__in=versions_readable())
    return any(is_place(place, chunk) for chunk in rows for place in case.places)


def _may_read(case: Case, chunk: Chunk) -> bool:
    return case.groups is None or not chunk.groups or bool(set(chunk.groups) & set(case.groups))


def _outdated(case: Case, day: date) -> Verdict | None:
    """Stale where the answer rests on a version that is no longer the one in force."""
    cited = versions_readable().select_related("document").filter(id__in=list(case.versions))
    # By its days, as a search goes: of an earlier day it is the version that was superseded since that is right.
    old = [version for version in cited if _ended(version, day)]
    if not old:
        return None
    newest = current_version(old[0].document_id, day, old[0].id)
    findings = [expected(case), of_version("version", old[0])]
    if newest is not None:
        findings.append(of_version("newer", newest))
    name, label = old[0].title or old[0].document.name, old[0].label
    said = (
        f"回答引用了“{name}”的旧版本（{label}），该版本已不是现行版本。",
        f"The answer quotes version {label} of “{name}”, which is no longer in force.",
    )
    return verdict(case, Cause.STALE, said, findings, [mend("versions", old[0].document_id)])


def _ended(version: DocumentVersion, day: date) -> bool:
    return version.effective_to is not None and version.effective_to <= day


def _forbidden(case: Case, chunk: Chunk) -> Verdict:
    return verdict(
        case,
        Cause.RETRIEVE,
        (
            "原文在索引中，但提问者不在可阅读该文档的组里，因此检索不到。",
            "The passage is in the index, but the asker is in none of the groups that may read its document.",
        ),
        [expected(case), of_chunk("rights", chunk, groups=list(chunk.groups))],
        [mend("collection", case.collection_id), mend("document", chunk.version.document_id)],
    )


def _not_retrieved(case: Case, search: Search, chunk: Chunk) -> Verdict:
    legs = legs_of(search, case, chunk)
    best = search.found.ranked[: search.depth]
    ranks = {"vector": legs.vector, "lexical": legs.lexical, "candidates": legs.candidates, "depth": legs.depth}
    return verdict(
        case,
        Cause.RETRIEVE,
        (
            (
                f"原文在索引中，但没有进入候选：向量排名 {legs.vector or '—'}，词语排名 {legs.lexical or '—'}，"
                f"候选共 {legs.candidates} 个。"
            ),
            (
                f"The passage is in the index but was no candidate: rank {legs.vector or '–'} by meaning, "
                f"{legs.lexical or '–'} by words, of {legs.candidates} candidates."
            ),
        ),
        [expected(case), of_chunk("legs", chunk, **ranks), *_above(search, len(best))],
        [mend("lab", case.collection_id, q=case.question), mend("collection_settings", case.collection_id)],
    )


def _above(search: Search, count: int) -> list[Finding]:
    """The chunks that stood above it."""
    ids = [search.item(rank).candidate.chunk_id for rank in range(1, count + 1)]
    rows = Chunk.objects.select_related("version__document").in_bulk(ids)
    by_id = {str(key): chunk for key, chunk in rows.items()}
    return [of_chunk("above", by_id[key], rank=rank) for rank, key in enumerate(ids, start=1) if key in by_id]


def _ranked_low(case: Case, search: Search, rank: int, chunk: Chunk) -> Verdict:
    legs = legs_of(search, case, chunk)
    own = case.settings or retrieval_settings(case.collection_id)
    weighed = outweighed(search.item(1), search.item(rank), own)
    names = {"rank": rank, "vector": legs.vector, "lexical": legs.lexical, "candidates": legs.candidates}
    features = [
        Finding("features", item.feature, numbers={"top": item.winner, "passage": item.passage, "counted": item.weight})
        for item in weighed
    ]
    return verdict(
        case,
        Cause.RERANK,
        (
            f"原文进入了候选，但重排后在第 {rank} 位，回答只依据前 {search.depth} 位。",
            (
                f"The passage was a candidate, but reranking put it at {rank}; "
                f"the answer rests on the first {search.depth}."
            ),
        ),
        [expected(case), of_chunk("legs", chunk, **names), *features, *_above(search, min(search.depth, rank - 1))],
        [mend("lab", case.collection_id, q=case.question), mend("collection_settings", case.collection_id)],
    )


def _not_said(case: Case, search: Search, rank: int, chunk: Chunk) -> Verdict:
    """The passage was in the context: either the answer is right when asked now, or the answering failed."""
    now = answer_question(
        case.collection_id,
        case.question,
        day=search.day,
        found=search.found,
        **index_named(case.index_id),
    )
    right_now = _right(case, now.answer, now.abstained, [citation.chunk_id for citation in now.citations])
    findings = [expected(case), of_chunk("context", chunk, rank=rank), *_said(case, now, chunk)]
    if right_now and case.answer is None:
        return verdict(case, Cause.FINE, FINE, findings)
    if right_now:
        findings.append(Finding("now", now.answer))
    mends = [mend("lab", case.collection_id, q=case.question), mend("collection_settings", case.collection_id)]
    return verdict(case, Cause.GENERATE, _why_not_said(case, now, rank, right_now=right_now), findings, mends)


def _said(case: Case, now: KnowledgeAnswer, chunk: Chunk) -> list[Finding]:
    given = case.answer if case.answer is not None else now.answer
    abstained = case.abstained if case.answer is not None else now.abstained
    if abstained:
        numbers = {"confidence": round(now.confidence, 3), "missing": list(now.missing)}
        return [Finding("abstained", given, numbers=numbers)]
    found = [Finding("answer", given)]
    wrong = [f"{quantity.value}{quantity.unit}" for quantity in unmatched(given, chunk.text)]
    if wrong:
        found.append(Finding("contradiction", "、".join(wrong[:5]), numbers={"quantities": wrong[:5]}))
    return found


def _why_not_said(case: Case, now: KnowledgeAnswer, rank: int, *, right_now: bool) -> tuple[str, str]:
    abstained = case.abstained if case.answer is not None else now.abstained
    if right_now:
        return (
            f"原文在依据中（第 {rank} 位），当时的回答却没有用上；现在再问已能答对。",
            f"The passage is in the context (rank {rank}) and the answer did not use it; asked again now it is right.",
        )
    if abstained:
        return (
            f"原文在依据中（第 {rank} 位），却没有作答：把握 {_sure(now.confidence)}，低于门槛。",
            (
                f"The passage is in the context (rank {rank}), yet nothing was answered: "
                f"confidence {_sure(now.confidence)} is below the threshold."
            ),
        )
    return (
        f"原文在依据中（第 {rank} 位），但回答没有说出应有的内容。",
        f"The passage is in the context (rank {rank}), but the answer does not say what it should.",
    )


def _unanswerable(case: Case, day: date) -> Verdict:
    """A question that must not be answered: fine where it was not."""
    if case.answer is not None and case.abstained:
        return verdict(case, Cause.FINE, ("该问题不应回答，也没有回答。", "It should not be answered, and was not."))
    search = searched(case, day)
    now = answer_question(case.collection_id, case.question, day=day, found=search.found)
    if case.answer is None and now.abstained:
        return verdict(case, Cause.FINE, ("该问题不应回答，也没有回答。", "It should not be answered, and is not."))
    given = case.answer if case.answer is not None else now.answer
    findings = [Finding("answer", given, numbers={"confidence": round(now.confidence, 3)}), *_above(search, 1)]
    if now.abstained:
        findings.append(Finding("now", now.answer))
    return verdict(
        case,
        Cause.GENERATE,
        (
            f"文档没有依据，却给出了回答（把握 {_sure(now.confidence)}）。",
            f"The documents hold no basis, yet it was answered (confidence {_sure(now.confidence)}).",
        ),
        findings,
        [mend("lab", case.collection_id, q=case.question), mend("collection_settings", case.collection_id)],
    )


def _sure(probability: float) -> str:
    """No estimate is rounded to certainty."""
    if probability > 0.99:
        return "> 99 %"
    return "< 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"
