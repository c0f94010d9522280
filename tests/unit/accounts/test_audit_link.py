"""What a link of the audit chain covers, and that a value survives the database's idea of JSON."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.accounts.audit import GENESIS, link_digest, storable, walk
from liaoyuan.accounts.models import AuditEvent

ORGANIZATION = UUID(int=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def link(seq: int, previous: str, **changes: Any) -> AuditEvent:
    fields: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "seq": seq,
        "actor": "someone",
        "action": "do",
        "object_kind": "thing",
        "object_id": str(seq),
        "detail": {"n": seq},
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "previous": previous,
    }
    event = AuditEvent(**fields | changes)
    event.digest = link_digest(event)
    return event


def chain(length: int) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    for seq in range(1, length + 1):
        events.append(link(seq, events[-1].digest if events else GENESIS))
    return events


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("organization_id", UUID(int=2)),
        ("seq", 9),
        ("actor", "somebody else"),
        ("action", "undo"),
        ("object_kind", "person"),
        ("object_id", "2"),
        ("detail", {"n": 2}),
        ("at", datetime(2026, 11, 23, tzinfo=UTC)),
        ("previous", "1" * 64),
    ],
)
def test_the_digest_covers_every_field(field: str, value: object) -> None:
    event = link(1, GENESIS)
    before = event.digest
    setattr(event, field, value)
    assert link_digest(event) != before


def test_text_cannot_move_from_one_field_to_its_neighbour() -> None:
    assert (
        link(1, GENESIS, action="ab", object_kind="c").digest != link(1, GENESIS, action="a", object_kind="bc").digest
    )


def test_a_whole_chain_is_whole_and_an_empty_one_too() -> None:
    report = walk(chain(5), link_digest)
    assert (report.ok, report.checked, report.first_bad) == (True, 5, None)
    assert walk([], link_digest).ok


def test_a_chain_that_does_not_begin_at_the_beginning_is_found() -> None:
    assert walk(chain(5)[1:], link_digest).first_bad == 2


def test_a_link_of_another_chain_is_found() -> None:
    events = chain(3)
    events[1] = link(2, events[0].digest, organization_id=UUID(int=2))
    report = walk(events, link_digest)
    assert (report.ok, report.checked, report.first_bad) == (False, 2, 3)


@given(values)
def test_a_stored_value_is_read_back_as_it_was_hashed(value: object) -> None:
    """jsonb keeps 1e22 as 10000000000000000000000, -0.0 as 0.0, and refuses NaN, U+0000 and half surrogates."""
    kept = storable(value)
    text = json.dumps(kept, allow_nan=False)
    assert json.loads(text) == kept
    assert "\\u0000" not in text.replace("\\\\u0000", "")
    assert storable(kept) == kept
    text.encode("utf-8")


def test_numbers_that_jsonb_would_rewrite_are_written_so_at_once() -> None:
    kept = storable([1e22, -0.0, 1.0, 0.1, math.inf, math.nan])
    assert json.dumps(kept) == '[10000000000000000000000, 0, 1, 0.1, "inf", "nan"]'
