"""Two tenants at random (§3 c) and a thousand requests over two connections (§3 e): nobody ever sees a foreign row."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from liaoyuan.accounts.models import ApiKey, AuditEvent, Member, Organization, Role
from liaoyuan.accounts.services import (
    api_key_create,
    api_key_revoke,
    member_add,
    member_disable,
    organization_create,
    user_create,
)
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Collection, Document
from liaoyuan.pipeline.models import Solution

KINDS: tuple[type[Any], ...] = (Collection, Document, Solution, ApiKey, Member, AuditEvent)
SIDES = st.sampled_from(("a", "b"))
NAMES = st.sampled_from(("papers", "rules", "文件", "o'clock"))


class TwoTenants(RuleBasedStateMachine):
    """What each tenant sees is what each tenant did, whatever the other tries."""

    @initialize()
    def found(self) -> None:
        self.organization: dict[str, Organization] = {}
        self.expected: dict[str, dict[type[Any], dict[UUID, Any]]] = {}
        for side in "ab":
            self.organization[side], _ = organization_create(name=f"{side} {uuid4()}")
            self.expected[side] = {kind: {} for kind in KINDS}
            self.join(side, Role.OWNER)

    def within(self, side: str) -> Any:
        return tenant_context(self.organization[side].id)

    def note(self, side: str, row: Any, value: Any) -> None:
        self.expected[side][type(row)][row.id] = value

    def noted(self, side: str, kind: type[Any]) -> list[UUID]:
        return sorted(self.expected[side][kind])

    def audited(self, side: str) -> None:
        last = AuditEvent.objects.order_by("-seq").first()
        assert last is not None
        self.note(side, last, last.action)

    @rule(side=SIDES, role=st.sampled_from(list(Role)))
    def join(self, side: str, role: Role) -> None:
        user, _ = user_create(email=f"{uuid4().hex}@example.org")
        with self.within(side):
            self.note(side, member_add(user=user, role=role), role.value)
            self.audited(side)

    @rule(side=SIDES, name=NAMES)
    def collect(self, side: str, name: str) -> None:
        with self.within(side):
            row, made = Collection.objects.get_or_create(organization_id=self.organization[side].id, name=name)
            assert made is (row.id not in self.expected[side][Collection])
            self.note(side, row, name)

    @precondition(lambda self: any(self.expected[s][Collection] for s in "ab"))
    @rule(side=SIDES, pick=st.randoms(use_true_random=False))
    def file(self, side: str, pick: random.Random) -> None:
        held = self.noted(side, Collection)
        if held:
            with self.within(side):
                row = Document.objects.create(
                    organization_id=self.organization[side].id, collection_id=pick.choice(held), name=uuid4().hex
                )
                self.note(side, row, row.name)

    @rule(side=SIDES, name=NAMES)
    def solve(self, side: str, name: str) -> None:
        with self.within(side):
            row, _ = Solution.objects.get_or_create(
                organization_id=self.organization[side].id, name=name, defaults={"industry": "energy", "scenario": "qa"}
            )
            self.note(side, row, name)

    @rule(side=SIDES)
    def key(self, side: str) -> None:
        with self.within(side):
            member = Member.objects.filter(role=Role.OWNER).earliest("created_at")
            row, _ = api_key_create(member=member, name="k", scopes=frozenset({"ask"}))
            self.note(side, row, "k")
            self.audited(side)

    @rule(side=SIDES, pick=st.randoms(use_true_random=False))
    def drop_own(self, side: str, pick: random.Random) -> None:
        held = self.noted(side, Document)
        if held:
            gone = pick.choice(held)
            with self.within(side):
                Document.objects.filter(id=gone).delete()
            del self.expected[side][Document][gone]

    @rule(side=SIDES, kind=st.sampled_from(KINDS), pick=st.randoms(use_true_random=False))
    def reach_over(self, side: str, kind: type[Any], pick: random.Random) -> None:
        """One takes an identifier of the other's row and tries to read, change and delete it."""
        other = "b" if side == "a" else "a"
        held = self.noted(other, kind)
        if held:
            stolen = pick.choice(held)
            with self.within(side):
                assert not kind.objects.filter(id=stolen).exists()
                assert kind.objects.filter(id=stolen).update(created_at="2000-01-01T00:00Z") == 0
                assert kind.objects.filter(id=stolen).delete()[0] == 0
            with pytest.raises(NotFound), self.within(side):
                (member_disable(member_id=stolen) if kind is Member else api_key_revoke(key_id=stolen))

    @rule(side=SIDES)
    def fail_in_the_middle(self, side: str) -> None:
        with suppress(ZeroDivisionError), self.within(side):
            Collection.objects.create(organization_id=self.organization[side].id, name=uuid4().hex)
            raise ZeroDivisionError

    @invariant()
    def each_sees_their_own(self) -> None:
        for side, expected in self.expected.items():
            with self.within(side):
                assert {kind: set(kind.objects.values_list("id", flat=True)) for kind in KINDS} == {
                    kind: set(rows) for kind, rows in expected.items()
                }

    @invariant()
    def nobody_sees_nothing(self) -> None:
        assert not any(kind.objects.exists() for kind in KINDS)


@pytest.mark.usefixtures("database")
class TestTwoTenants(TwoTenants.TestCase):  # type: ignore[misc]
    settings = settings(
        max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


REQUESTS = 1000


@pytest.fixture
def two(organization: Organization, other_organization: Organization) -> Iterator[list[Organization]]:
    for each in (organization, other_organization):
        with tenant_context(each.id):
            for number in range(3):
                Collection.objects.create(organization_id=each.id, name=f"{number}")
    yield [organization, other_organization]


def _one_request(two: list[Organization], chance: random.Random) -> set[UUID]:
    """The organizations whose rows a request saw that it should not have seen."""
    mine = chance.choice([*two, None])
    if mine is None:
        return set(Collection.objects.values_list("organization_id", flat=True))
    seen: set[UUID] = set()
    with suppress(ZeroDivisionError), tenant_context(mine.id):
        seen = set(Collection.objects.values_list("organization_id", flat=True))
        if chance.random() < 0.2:
            raise ZeroDivisionError
    assert mine.id in seen
    return seen - {mine.id}


def test_two_connections_serve_a_thousand_mixed_requests(two: list[Organization]) -> None:
    barrier = Barrier(2)

    def serve(seed: int) -> tuple[set[UUID], int]:
        chance, foreign, servers = random.Random(seed), set[UUID](), set[int]()
        barrier.wait(timeout=30)
        try:
            for _ in range(REQUESTS // 2):
                foreign |= _one_request(two, chance)
                servers.add(connection.connection.info.backend_pid)
        finally:
            connections.close_all()
        return foreign, len(servers)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(serve, (1, 2)))
    assert [foreign for foreign, _ in results] == [set(), set()]
    assert [servers for _, servers in results] == [1, 1], "each thread must have reused its one connection"
