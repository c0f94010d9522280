"""Erasure reaches what was made from a document for measuring."""

from collections.abc import Sequence
from uuid import UUID

from liaoyuan.knowledge.questions.models import EvaluationRow, TestQuestion


def documents_forget(*, document_id: UUID, version_ids: Sequence[UUID]) -> int:
    """Erasure reaches the questions made from a document and every result that quotes it; how many rows went."""
    questions, _ = TestQuestion.objects.filter(documents__contains=[document_id]).delete()
    rows, _ = EvaluationRow.objects.filter(versions__overlap=list(version_ids)).delete()
    more, _ = EvaluationRow.objects.filter(documents__contains=[document_id]).delete()
    return questions + rows + more
