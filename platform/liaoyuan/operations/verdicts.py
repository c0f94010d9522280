"""A trace as a case for the knowledge layer's verdict: what was asked, by whom, and what was answered from where."""

from collections.abc import Sequence
from uuid import UUID

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.policy import SEE_ALL_DOCUMENTS
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.questions.verdict import Case, case_of_text
from liaoyuan.knowledge.rights import all_readable
from liaoyuan.operations.models import Trace
from liaoyuan.operations.selectors import trace_get
from liaoyuan.pipeline.models import Solution


def trace_judgeable(trace_id: UUID) -> tuple[Trace, UUID]:
    """A trace that quotes nothing beyond the caller's rights, with its collection. Raises NotFound."""
    trace = trace_get(trace_id)
    solution = Solution.objects.filter(id=trace.solution_id).first() if trace.solution_id else None
    if solution is None or solution.collection_id is None or not all_readable(trace.citations):
        raise NotFound
    return trace, solution.collection_id


def trace_case(
    trace: Trace,
    collection_id: UUID,
    *,
    expected: str = "",
    chunk_ids: Sequence[UUID | str] = (),
    answerable: bool = True,
) -> Case:
    """The case of ``trace``; ``expected`` and ``chunk_ids`` are what a person says the answer should have been."""
    cited = [item for item in trace.citations if item.get("document_version_id")]
    return case_of_text(
        collection_id=collection_id,
        question=trace.question,
        expected=expected,
        chunk_ids=chunk_ids,
        answer=trace.answer,
        abstained=trace.abstained,
        versions=[UUID(item["document_version_id"]) for item in cited],
        chunks=[str(item["chunk_id"]) for item in cited if item.get("chunk_id")],
        groups=_groups(trace.user_id),
        answerable=answerable,
        mode="generative" if trace.mode == "generative" else "extractive",
    )


def _groups(user_id: UUID | None) -> tuple[str, ...] | None:
    """What the asker may read today; None where every document, or where nobody in particular asked."""
    member = Member.objects.filter(user_id=user_id).first() if user_id else None
    if member is None or member.role in SEE_ALL_DOCUMENTS:
        return None
    return tuple(member.groups)
