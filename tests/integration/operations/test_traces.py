"""What is kept of an answer: trace, spans, lineage, cost, counters, and people's verdicts."""

import uuid
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import REGISTRY

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.operations.models import Feedback, Trace, TraceSpan
from liaoyuan.operations.selectors import span_seconds, trace_get
from liaoyuan.operations.services import feedback_give
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.ports import costs
from tests.integration.operations.traces import SPANS, recorded


def test_a_trace_keeps_its_id_its_tokens_and_its_cost(tenant: Any, organization: Any) -> None:
    identifier = uuid.uuid4()
    recorded(organization, id=identifier, seconds=7.2)
    kept = trace_get(identifier)
    assert (kept.prompt_tokens, kept.completion_tokens, kept.seconds) == (100, 20, 7.2)
    assert kept.cost == costs().of_seconds(7.2) > 0


def test_spans_keep_their_order_times_and_attributes(tenant: Any, organization: Any) -> None:
    row = recorded(organization)
    spans = list(trace_get(row.id).spans.order_by("position").values_list("name", "start", "seconds"))
    assert spans == [(span.name, span.start, span.seconds) for span in SPANS]
    first = TraceSpan.objects.get(trace=row, position=0)
    assert first.attributes == {"side": "input"}
    assert row.solution_id is not None
    assert span_seconds(row.solution_id) == {"guard": 0.01, "retrieve": 0.2, "rerank": 0.05}


def test_lineage_leads_from_bundle_and_each_cited_version_once_to_the_answer(tenant: Any, organization: Any) -> None:
    one, two, bundle = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    citations = [{"document_version_id": str(version)} for version in (one, two, one)] + [{"quote": "no version"}]
    row = recorded(organization, citations=citations, bundle_id=bundle)
    edges = {(edge.parent_kind, edge.parent_id, edge.relation) for edge in Lineage.objects.filter(child_id=row.id)}
    assert edges == {
        ("document_version", one, "cited_by"),
        ("document_version", two, "cited_by"),
        ("bundle", bundle, "answered_by"),
    }


@pytest.mark.parametrize(
    ("guard", "blocked"),
    [
        ([{"side": "input", "action": "allow"}], False),
        ([{"side": "input", "action": "block"}], True),
        ([{"side": "output", "action": "block"}], True),
        ([{"side": "input", "action": "escalate", "may_answer": False}], True),
        ([{"side": "input", "action": "escalate", "may_answer": True}], False),
        ([{"side": "document", "action": "block"}], False),
    ],
)
def test_blocked_means_that_the_guardrail_kept_the_answer_back(
    tenant: Any, organization: Any, guard: list[dict[str, Any]], blocked: bool
) -> None:
    assert recorded(organization, guard=guard).blocked is blocked


def test_a_long_error_is_cut_and_stored(tenant: Any, organization: Any) -> None:
    assert len(recorded(organization, error="x" * 500).error) == 300


def test_a_trace_is_invisible_to_every_other_tenant(organization: Any, other_organization: Any) -> None:
    with tenant_context(organization.id):
        row = recorded(organization)
    with tenant_context(other_organization.id), pytest.raises(NotFound):
        trace_get(row.id)


def answers(**labels: str) -> float:
    return REGISTRY.get_sample_value("liaoyuan_answers_total", labels) or 0.0


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "answered"),
        ({"abstained": True}, "abstained"),
        ({"guard": [{"side": "input", "action": "block"}]}, "blocked"),
        ({"error": "ChatUnavailable"}, "error"),
    ],
)
def test_a_stored_answer_is_counted_once_by_its_outcome(
    organization: Any, changes: dict[str, Any], outcome: str
) -> None:
    before = answers(mode="extractive", outcome=outcome)
    with tenant_context(organization.id):
        recorded(organization, **changes)
    assert answers(mode="extractive", outcome=outcome) == before + 1


def test_an_answer_that_was_rolled_back_is_not_counted(organization: Any) -> None:
    before = answers(mode="extractive", outcome="answered")
    with pytest.raises(ZeroDivisionError), tenant_context(organization.id):
        recorded(organization)
        raise ZeroDivisionError
    assert answers(mode="extractive", outcome="answered") == before


def test_the_metrics_page_shows_the_ledger_and_nothing_of_any_tenant(organization: Any) -> None:
    with tenant_context(organization.id):
        row = recorded(organization, question="只有我们知道")
    page = generate_latest(REGISTRY).decode()
    for name in ("liaoyuan_runs", "liaoyuan_queue_depth", "liaoyuan_outbox_unpublished", "liaoyuan_answer_seconds"):
        assert f"# HELP {name}" in page
    for secret in (str(organization.id), organization.name, str(row.solution_id), "只有我们知道", "organization="):
        assert secret not in page


def test_a_verdict_is_kept_and_a_second_one_replaces_it(tenant: Any, organization: Any, owner: Any) -> None:
    row = recorded(organization)
    feedback_give(trace_id=row.id, user_id=owner.user_id, helpful=False, reason="wrong", comment="应为3天")
    feedback_give(trace_id=row.id, user_id=owner.user_id, helpful=True)
    kept = Feedback.objects.get(trace=row)
    assert (kept.helpful, kept.reason, kept.comment) == (True, "", "")


def test_two_people_may_judge_the_same_answer(tenant: Any, organization: Any, owner: Any, viewer: Any) -> None:
    row = recorded(organization)
    for member in (owner, viewer):
        feedback_give(trace_id=row.id, user_id=member.user_id, helpful=True)
    assert Feedback.objects.filter(trace=row).count() == 2


@pytest.mark.parametrize(
    "given",
    [
        {"helpful": False},
        {"helpful": False, "reason": "because"},
        {"helpful": True, "reason": "because"},
        {"helpful": False, "reason": "other", "comment": "长" * 2001},
    ],
)
def test_a_bad_verdict_needs_a_known_reason_and_a_short_comment(
    tenant: Any, organization: Any, owner: Any, given: dict[str, Any]
) -> None:
    row = recorded(organization)
    with pytest.raises(InvalidInput):
        feedback_give(trace_id=row.id, user_id=owner.user_id, **given)
    assert not Feedback.objects.filter(trace=row).exists()


def test_a_foreign_or_missing_trace_is_not_found(organization: Any, other_organization: Any, stranger: Any) -> None:
    with tenant_context(organization.id):
        row = recorded(organization)
    for identifier in (row.id, uuid.uuid4()):
        with tenant_context(other_organization.id), pytest.raises(NotFound):
            feedback_give(trace_id=identifier, user_id=stranger.user_id, helpful=True)
    with tenant_context(organization.id):
        assert Trace.objects.get(id=row.id).feedback.count() == 0
