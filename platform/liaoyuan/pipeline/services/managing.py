"""What people do to a solution as a whole: another name, out of the lists, back into them."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.policy import Principal, require
from liaoyuan.accounts.services import audit_record
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.pipeline.errors import SolutionBusy, SolutionNameTaken
from liaoyuan.pipeline.models import FINAL_STATES, Solution, StageRun

LONGEST_NAME = 120


def solution_name(name: str) -> str:
    """``name`` as it is kept. Raises InvalidInput for an empty or overlong one."""
    clean = name_clean(name)
    if not clean or len(clean) > LONGEST_NAME:
        raise InvalidInput(detail=f"name: 1–{LONGEST_NAME}")
    return clean


def solution_rename(*, principal: Principal, solution_id: UUID, name: str) -> Solution:
    """Give the solution another name. Raises NotFound, PermissionDenied, InvalidInput, SolutionNameTaken."""
    require(principal, "solution.create")
    clean = solution_name(name)
    solution = _locked(solution_id)
    before = solution.name
    if clean == before:
        return solution
    solution.name = clean
    try:
        with transaction.atomic():
            solution.save(update_fields=["name"])
    except IntegrityError as error:
        raise SolutionNameTaken(name=clean) from error
    _record("solution.rename", solution, {"from": before, "to": clean})
    return solution


def solution_archive(*, principal: Principal, solution_id: UUID) -> Solution:
    """Take the solution out of the lists; nothing is lost. Raises NotFound, PermissionDenied, SolutionBusy."""
    require(principal, "solution.create")
    solution = _locked(solution_id)
    if StageRun.objects.filter(solution=solution).exclude(state__in=FINAL_STATES).exists():
        raise SolutionBusy(name=solution.name)
    if solution.archived_at is None:
        solution.archived_at = timezone.now()
        solution.save(update_fields=["archived_at"])
        _record("solution.archive", solution)
    return solution


def solution_restore(*, principal: Principal, solution_id: UUID) -> Solution:
    """Bring an archived solution back. Raises NotFound, PermissionDenied."""
    require(principal, "solution.create")
    solution = _locked(solution_id)
    if solution.archived_at is not None:
        solution.archived_at = None
        solution.save(update_fields=["archived_at"])
        _record("solution.restore", solution)
    return solution


def _locked(solution_id: UUID) -> Solution:
    found = Solution.objects.select_for_update().filter(id=solution_id).first()
    if found is None:
        raise NotFound
    return found


def _record(action: str, solution: Solution, detail: dict[str, Any] | None = None) -> None:
    audit_record(action=action, object_kind="solution", object_id=solution.id, detail=detail or {})
