"""Who may do what. The table below is the specification; the code must agree with every one of its cells."""

from uuid import uuid4

import pytest

from liaoyuan.accounts.models import Role
from liaoyuan.accounts.policy import POLICY, Principal, ScopeMissing, allowed, require
from liaoyuan.errors import PermissionDenied

ROLES = ("owner", "steward", "developer", "annotator", "auditor", "viewer")
MATRIX = """
action                 owner steward developer annotator auditor viewer
organization.view        x      x        x         x        x      x
organization.settings    x      .        .         .        .      .
member.view              x      .        .         .        x      .
member.manage            x      .        .         .        .      .
key.own                  x      x        x         .        .      .
key.manage               x      .        .         .        .      .
audit.view               x      .        .         .        x      .
solution.view            x      x        x         x        x      x
solution.create          x      .        x         .        .      .
solution.run             x      .        x         .        .      .
run.view                 x      x        x         x        x      x
run.cancel               x      x        x         .        .      .
run.retry                x      x        x         .        .      .
collection.create        x      x        x         .        .      .
collection.settings      x      x        x         .        .      .
document.view            x      x        x         x        x      x
document.import          x      x        x         .        .      .
document.edit            x      x        x         x        .      .
document.erase           x      x        .         .        .      .
source.manage            x      x        .         .        .      .
question.edit            x      x        x         x        .      .
dataset.view             x      x        x         x        x      x
dataset.edit             x      x        x         x        .      .
data.run                 x      x        x         .        .      .
model.view               x      x        x         x        x      x
training.run             x      .        x         .        .      .
evaluation.run           x      x        x         .        .      .
deployment.view          x      x        x         x        x      x
deployment.create        x      .        x         .        .      .
deployment.approve       x      .        .         .        .      .
deployment.rollback      x      .        .         .        .      .
lineage.view             x      x        x         x        x      x
trace.view               x      x        x         .        x      .
operations.view          x      x        x         .        x      .
security.view            x      x        x         .        x      .
ask                      x      x        x         x        .      x
feedback.give            x      x        x         x        .      x
"""


def cells() -> list[tuple[str, str, bool]]:
    head, *rows = (line.split() for line in MATRIX.strip().splitlines())
    return [(row[0], role, mark == "x") for row in rows for role, mark in zip(head[1:], row[1:], strict=True)]


def someone(role: str, scopes: frozenset[str] | None = None) -> Principal:
    return Principal(user_id=uuid4(), organization_id=uuid4(), role=role, scopes=scopes)


@pytest.mark.parametrize(("action", "role", "may"), cells())
def test_each_cell_of_the_table(action: str, role: str, may: bool) -> None:
    assert allowed(someone(role), action) is may


def test_the_table_names_every_role_and_every_action() -> None:
    assert {role for _, role, _ in cells()} == set(ROLES) == {role.value for role in Role}
    assert {action for action, _, _ in cells()} == set().union(*POLICY.values())


@pytest.mark.parametrize("role", ["", "Owner", "OWNER", "root", "admin", "owner "])
def test_a_role_that_does_not_exist_may_nothing(role: str) -> None:
    assert not any(allowed(someone(role), action) for action in POLICY[Role.OWNER])


@pytest.mark.parametrize("action", ["", "*", "solution", "solution.*", "SOLUTION.VIEW", "solution.view ", "unheard.of"])
def test_an_action_that_does_not_exist_is_denied_to_everybody(action: str) -> None:
    for role in ROLES:
        with pytest.raises(PermissionDenied):
            require(someone(role), action)


def test_an_annotator_and_an_auditor_cannot_make_keys() -> None:
    assert [role for role in ROLES if not allowed(someone(role), "key.own")] == ["annotator", "auditor", "viewer"]


def test_a_key_does_only_what_its_scopes_name() -> None:
    key = someone("developer", frozenset({"ask"}))
    require(key, "ask")
    with pytest.raises(ScopeMissing) as refusal:
        require(key, "solution.run")
    assert "solution.run" in refusal.value.sentence("zh")


def test_a_scope_beyond_the_role_gives_nothing() -> None:
    key = someone("viewer", frozenset({"ask", "member.manage"}))
    assert allowed(key, "ask")
    with pytest.raises(PermissionDenied):
        require(key, "member.manage")


def test_a_key_without_scopes_may_nothing() -> None:
    assert not any(allowed(someone("owner", frozenset()), action) for action in POLICY[Role.OWNER])


def test_owner_and_steward_see_every_document_and_others_what_their_groups_see() -> None:
    groups = {role: Principal(uuid4(), uuid4(), role, groups=("ward-1",)).document_groups for role in ROLES}
    assert [role for role, seen in groups.items() if seen is None] == ["owner", "steward"]
    assert {seen for seen in groups.values() if seen is not None} == {("ward-1",)}
