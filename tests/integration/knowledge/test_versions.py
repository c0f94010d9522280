"""Which version a question meets on which day, and what people may decide about that."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import DocumentVersion, VersionState
from liaoyuan.knowledge.services import versioning
from liaoyuan.knowledge.services.publishing import spans_of
from liaoyuan.knowledge.services.versioning import (
    VersionNotInForce,
    version_days_change,
    version_hold,
    version_put_in_force,
    version_withdraw,
)
from liaoyuan.knowledge.validity import DaysInvalid, DaysTaken, Span, gaps
from tests.integration.knowledge.conftest import Ask, Import

TWO = "# 值班规定\n\n第一条 夜班护士每班不得少于两人。\n"
THREE = "# 值班规定\n\n第一条 夜班护士每班不得少于三人。\n"
FOUR = "# 值班规定\n\n第一条 夜班护士每班不得少于四人。\n"
QUESTION = "夜班护士每班不得少于几人？"


@pytest.fixture
def today() -> date:
    return timezone.localdate()


@pytest.fixture
def two_versions(bring: Import) -> list[UUID]:
    """In force 2020-01-01..2024-01-01 and from 2024-01-01 on."""
    made = [
        bring({f"值班规定({day}).md": text})[0].version_id for day, text in (("2020-01-01", TWO), ("2024-01-01", THREE))
    ]
    return [UUID(each) for each in made]


def days_of(organization: Any, in_tenant: Any, document: UUID) -> dict[int, tuple[str, str, str]]:
    with in_tenant(organization):
        rows = DocumentVersion.objects.filter(document_id=document).order_by("number")
        return {row.number: (str(row.effective_from), str(row.effective_to), row.state) for row in rows}


def test_a_question_meets_the_version_of_its_day(two_versions: list[UUID], ask: Ask) -> None:
    assert "三人" in ask(QUESTION).answer
    assert "两人" in ask(QUESTION, day=date(2023, 12, 31)).answer
    assert ask(QUESTION, day=date(2019, 12, 31)).abstained


def test_a_held_version_is_found_by_nobody_until_a_person_puts_it_in_force(
    bring: Import, ask: Ask, organization: Any, in_tenant: Any, today: date
) -> None:
    from liaoyuan.knowledge.facts import DocumentFacts

    bring({"值班规定.md": TWO})
    (held,) = bring({"值班规定.md": THREE}, facts={"值班规定.md": DocumentFacts(draft=True)})
    version = UUID(held.version_id)
    for day in (None, today + timedelta(days=3650), date(1990, 1, 1)):
        assert "三人" not in ask(QUESTION, **({"day": day} if day else {})).answer
    with in_tenant(organization):
        assert DocumentVersion.objects.get(id=version).state == VersionState.DRAFT
        told = version_put_in_force(version_id=version, day=today, only_tell=True)
        assert {change.after for change in told.changes} == {(None, today), (today, None)}
        assert DocumentVersion.objects.get(id=version).state == VersionState.DRAFT
        version_put_in_force(version_id=version, day=today)
    assert "三人" in ask(QUESTION).answer
    assert "两人" in ask(QUESTION, day=today - timedelta(days=1)).answer


def test_a_scheduled_version_takes_effect_by_itself(
    bring: Import, ask: Ask, organization: Any, in_tenant: Any, today: date
) -> None:
    from liaoyuan.knowledge.facts import DocumentFacts

    bring({"值班规定.md": TWO})
    (held,) = bring({"值班规定.md": THREE}, facts={"值班规定.md": DocumentFacts(draft=True)})
    start = today + timedelta(days=30)
    with in_tenant(organization):
        version_put_in_force(version_id=UUID(held.version_id), day=start)
    assert "两人" in ask(QUESTION).answer
    assert "三人" in ask(QUESTION, day=start).answer


def test_a_version_may_be_held_while_it_is_read(organization: Any, in_tenant: Any, bring: Import, ask: Ask) -> None:
    (made,) = bring({"值班规定.md": TWO})
    with in_tenant(organization), pytest.raises(versioning.VersionNotReady):
        version_hold(version_id=UUID(made.version_id))


def test_changed_days_move_the_neighbours_along(two_versions: list[UUID], organization: Any, in_tenant: Any) -> None:
    _old, new = two_versions
    with in_tenant(organization):
        document = DocumentVersion.objects.get(id=new).document_id
        decision = version_days_change(version_id=new, effective_from=date(2023, 7, 1), effective_to=None)
        assert decision.gaps == ()
        version_days_change(version_id=new, effective_from=date(2024, 3, 1), effective_to=None)
        assert gaps(spans_of(document)) == []
    assert days_of(organization, in_tenant, document) == {
        1: ("2020-01-01", "2024-03-01", "superseded"),
        2: ("2024-03-01", "None", "in_force"),
    }


def test_days_that_would_swallow_a_version_are_refused(
    two_versions: list[UUID], bring: Import, organization: Any, in_tenant: Any
) -> None:
    (third,) = bring({"值班规定(2025-01-01).md": FOUR})
    with in_tenant(organization):
        with pytest.raises(DaysTaken):
            version_days_change(version_id=UUID(third.version_id), effective_from=date(2023, 1, 1), effective_to=None)
        with pytest.raises(DaysInvalid):
            version_days_change(
                version_id=UUID(third.version_id), effective_from=date(2025, 1, 1), effective_to=date(2025, 1, 1)
            )


def test_a_withdrawn_version_is_gone_from_today_and_the_gap_is_told(
    two_versions: list[UUID], ask: Ask, organization: Any, in_tenant: Any, today: date
) -> None:
    with in_tenant(organization):
        decision = version_withdraw(version_id=two_versions[1])
        assert [(gap.begin, gap.end) for gap in decision.gaps] == [(today, None)]
        with pytest.raises(VersionNotInForce):
            version_withdraw(version_id=two_versions[1])
    assert ask(QUESTION).abstained
    assert "三人" in ask(QUESTION, day=today - timedelta(days=1)).answer


def test_the_version_before_may_take_over_again(
    two_versions: list[UUID], ask: Ask, organization: Any, in_tenant: Any
) -> None:
    with in_tenant(organization):
        decision = version_withdraw(version_id=two_versions[1], previous=True)
        assert decision.gaps == ()
    assert "两人" in ask(QUESTION).answer
    with in_tenant(organization):
        version_put_in_force(version_id=two_versions[1])
    assert "三人" in ask(QUESTION).answer


def test_a_withdrawn_content_that_comes_again_is_a_new_version(
    bring: Import, organization: Any, in_tenant: Any
) -> None:
    (made,) = bring({"值班规定.md": TWO})
    with in_tenant(organization):
        version_withdraw(version_id=UUID(made.version_id))
    (again,) = bring({"值班规定.md": TWO})
    assert again.version == 2 and "unchanged" not in again.flags


def test_strangers_and_readers_without_the_group_find_no_version_to_decide_about(
    bring: Import, organization: Any, other_organization: Any, in_tenant: Any
) -> None:
    from liaoyuan.accounts.tenancy import tenant_context

    (made,) = bring({"值班规定.md": TWO}, groups=["护理"])
    with in_tenant(other_organization), pytest.raises(NotFound):
        version_withdraw(version_id=UUID(made.version_id))
    with tenant_context(organization.id, groups=["财务"]), pytest.raises(NotFound):
        version_withdraw(version_id=UUID(made.version_id))


def test_gaps_are_days_between_first_and_last() -> None:
    one, other = UUID(int=1), UUID(int=2)
    spans = [Span(one, None, date(2020, 1, 1)), Span(other, date(2021, 1, 1), None)]
    assert [(gap.begin, gap.end) for gap in gaps(spans)] == [(date(2020, 1, 1), date(2021, 1, 1))]
