"""Rows as the API shows them, in the caller's language."""

from typing import Any
from uuid import UUID

from liaoyuan.accounts.models import ApiKey, Invitation, Member
from liaoyuan.api.rest.schemas.documents import DocumentOut, VersionOut
from liaoyuan.api.rest.schemas.people import InvitationOut, KeyOut, MemberOut
from liaoyuan.api.rest.schemas.work import BoardOut, RunOut, SolutionOut, Wait
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.rules import outdated
from liaoyuan.pipeline.models import RunState, Solution, StageRun
from liaoyuan.pipeline.selectors import Board
from liaoyuan.pipeline.waiting import WaitReport, wait_report


def run_out(run: StageRun, language: str, wait: WaitReport | None = None) -> RunOut:
    """One run; ``wait`` as found by the board, else it is asked for."""
    return _run(run, language, wait or wait_report(run))


def run_row(run: StageRun, language: str) -> RunOut:
    """One run in a list: the reason of its wait as the ledger has it, without counting the line before it."""
    report = None
    if run.state in (RunState.WAITING, RunState.QUEUED) and run.wait_kind:
        report = WaitReport(run.wait_kind, run.wait_reason_zh, run.wait_reason_en, run.not_before)
    return _run(run, language, report)


def _run(run: StageRun, language: str, report: WaitReport | None) -> RunOut:
    return RunOut(
        id=run.id,
        stage=run.stage,
        state=run.state,
        queue=run.queue,
        solution_id=run.solution_id,
        pipeline_id=run.pipeline_id,
        position=run.position,
        attempt=run.attempt,
        max_attempts=run.max_attempts,
        progress=run.progress,
        message=said(run.message_zh, run.message_en, language),
        wait=_wait(report, language),
        eta=run.eta,
        expected_seconds=run.expected_seconds,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        summary=str(run.result.get(f"summary_{language}", "")),
        result=run.result,
        error=run.error,
    )


def _wait(report: WaitReport | None, language: str) -> Wait | None:
    if report is None:
        return None
    reason = said(report.reason_zh, report.reason_en, language)
    return Wait(kind=report.kind, reason=reason, until=report.until)


def said(zh: str, en: str, language: str) -> str:
    """The one of two sentences that the caller reads."""
    return zh if language == "zh" else en


def solution_out(solution: Solution) -> SolutionOut:
    return SolutionOut(**_solution(solution))


def board_out(board: Board, route: str | None, language: str) -> BoardOut:
    """A solution with its stages."""
    return BoardOut(
        **_solution(board.solution),
        pipeline=board.pipeline.number if board.pipeline else None,
        pipeline_id=board.pipeline.id if board.pipeline else None,
        route=route,
        stages=[run_out(card.run, language, card.wait) for card in board.cards],
    )


def _solution(solution: Solution) -> dict[str, Any]:
    return {
        "id": solution.id,
        "name": solution.name,
        "industry": solution.industry,
        "scenario": solution.scenario,
        "collection_id": solution.collection_id,
        "created_at": solution.created_at,
        "archived_at": solution.archived_at,
    }


def document_out(version: DocumentVersion) -> DocumentOut:
    """A document by its newest readable version; ``version.document`` must be loaded."""
    return DocumentOut(
        id=version.document_id,
        name=version.document.name,
        collection_id=version.document.collection_id,
        version_id=version.id,
        number=version.number,
        version=version.label,
        title=version.title,
        state=version.state,
        pages=version.pages,
        chunks=version.chunk_count,
        size=version.size,
        groups=version.groups,
        flags=version.flags,
        older=outdated(version),
        effective_from=version.effective_from,
        error=version.error,
        created_at=version.document.created_at,
    )


def version_out(version: DocumentVersion) -> VersionOut:
    """One content of a document, without where its files lie."""
    return VersionOut(
        id=version.id,
        document_id=version.document_id,
        number=version.number,
        version=version.label,
        file_name=version.file_name,
        title=version.title,
        sha256=version.sha256,
        size=version.size,
        media_type=version.media_type,
        state=version.state,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        groups=version.groups,
        flags=version.flags,
        pages=version.pages,
        blocks=version.blocks,
        chunks=version.chunk_count,
        error=version.error,
        created_at=version.created_at,
        indexed_at=version.indexed_at,
    )


def member_out(member: Member) -> MemberOut:
    return MemberOut(
        id=member.id,
        email=member.user.email,
        name=member.user.name,
        role=member.role,
        groups=member.groups,
        disabled_at=member.disabled_at,
    )


def invitation_out(invitation: Invitation) -> InvitationOut:
    return InvitationOut(**invitation_fields(invitation))


def invitation_fields(invitation: Invitation) -> dict[str, Any]:
    """Everything of an invitation that may be shown; never its digest."""
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "groups": invitation.groups,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
        "accepted_at": invitation.accepted_at,
        "revoked_at": invitation.revoked_at,
    }


def key_out(key: ApiKey) -> KeyOut:
    return KeyOut(**key_fields(key))


def key_fields(key: ApiKey) -> dict[str, Any]:
    """Everything of a key that may be shown; never its digest."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def path_of(kind: str, identifier: UUID) -> str:
    """The address of a resource, for the Location header."""
    return f"/api/v1/{kind}/{identifier}"
