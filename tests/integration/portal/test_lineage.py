"""The lineage graph: both ways from any artifact, only what the reader may see, bounded however much there is."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaoyuan.accounts.models import Member
from liaoyuan.pipeline.neighbours import FAN, lineage_totals, neighbourhood
from liaoyuan.portal.lineage.layout import draw, layers
from liaoyuan.portal.lineage.selectors import fitting
from tests.conftest import _member
from tests.integration.portal.passed import GROUP, HIDDEN, OPEN, SECRET, Passed, answer, passed_make
from tests.integration.portal.windows import as_member, inert, window


@pytest.fixture
def passed(owner: Member) -> Passed:
    return as_member(owner, lambda: passed_make(owner.organization, owner))


def graph(member: Member, kind: str, identifier: UUID, query: str = "") -> Any:
    answered = window(member).get(f"/lineage/{kind}/{identifier}/{query}")
    assert answered.status_code == 200
    return answered.context["page"]


def kinds(page: Any) -> set[str]:
    return {node.key[0] for node in page.nodes}


def test_an_answer_leads_back_to_its_page(owner: Member, passed: Passed) -> None:
    page = graph(owner, "answer", passed.answers["open"])
    assert {"document", "document_version", "dataset_version", "model_version", "bundle", "answer"} <= kinds(page)
    assert page.down == []
    assert [str(total.kind) for total in page.above if total.count == 2] == ["Document", "Document version"]


def test_a_document_leads_on_to_the_answers_that_rest_on_it(owner: Member, passed: Passed) -> None:
    page = graph(owner, "document", passed.documents[OPEN])
    assert passed.answers["open"] in {node.key[1] for node in page.nodes}
    assert page.up == []
    assert page.start.opens.startswith(f"/documents/{passed.documents[OPEN]}/")


def test_every_node_stands_alone_and_parents_stand_left(owner: Member, passed: Passed) -> None:
    page = graph(owner, "bundle", passed.made["bundle"])
    places = [(node.place.x, node.place.y) for node in page.nodes] + [(fan.place.x, fan.place.y) for fan in page.fans]
    assert len(places) == len(set(places))
    at = {node.key: node.place.x for node in page.nodes}
    assert at["document_version", passed.versions[OPEN]] < at["bundle", passed.made["bundle"]]
    assert at["bundle", passed.made["bundle"]] < at["answer", passed.answers["open"]]


def test_a_large_fan_is_folded_and_opens(owner: Member, passed: Passed) -> None:
    as_member(owner, lambda: [answer(passed, f"n{number}") for number in range(20)])
    page = graph(owner, "bundle", passed.made["bundle"])
    fan = next(each for each in page.fans if each.address)
    assert fan.rest == 24 - FAN
    opened = window(owner).get(fan.address).context["page"]
    assert sum(node.key[0] == "answer" for node in opened.nodes) == 24
    assert opened.opened


def test_documents_that_one_may_not_read_are_counted_but_not_named(passed: Passed) -> None:
    reader = _member(passed.organization, "developer")
    answered = window(reader).get(f"/lineage/bundle/{passed.made['bundle']}/")
    page, text = answered.context["page"], answered.content.decode()
    assert passed.versions[SECRET] not in {node.key[1] for node in page.nodes}
    assert sum(fan.hidden for fan in page.fans) >= 1
    assert SECRET not in text
    assert HIDDEN not in text
    assert "密钥代号" not in text
    secret = passed.versions[SECRET], passed.documents[SECRET], passed.made[f"chunk {SECRET}"]
    for kind, identifier in zip(("document_version", "document", "chunk"), secret, strict=True):
        assert window(reader).get(f"/lineage/{kind}/{identifier}/").status_code == 404


def test_a_member_of_the_group_sees_them(owner: Member, passed: Passed) -> None:
    reader = _member(passed.organization, "viewer")
    as_member(owner, lambda: Member.objects.filter(id=reader.id).update(groups=[GROUP]))
    page = graph(reader, "document_version", passed.versions[SECRET])
    # A viewer does not watch over answers: that there is one is all they learn.
    assert {node.title for node in page.nodes if node.key[0] == "answer"} <= {"An answer"}


def test_missing_and_foreign_are_the_same(stranger: Member, passed: Passed) -> None:
    foreign = window(stranger).get(f"/lineage/bundle/{passed.made['bundle']}/")
    missing = window(stranger).get(f"/lineage/bundle/{uuid4()}/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert inert(foreign) == inert(missing)
    assert window(stranger).get(f"/lineage/nonsense/{uuid4()}/").status_code == 404
    assert window(stranger).get("/lineage/").context["page"].empty


def test_a_walk_begins_with_the_newest_or_with_a_search(owner: Member, passed: Passed) -> None:
    titles = [str(group.title) for group in window(owner).get("/lineage/").context["page"].groups if group.entries]
    assert titles == ["Bundles", "Datasets", "Models", "Documents", "Answers"]

    def found(query: str) -> list[str]:
        page = window(owner).get("/lineage/", {"q": query}).context["page"]
        return [entry.title for group in page.groups for entry in group.entries]

    assert found("手卫生管理") == [f"{OPEN}.md"]
    assert found("食堂") == ["食堂几点开饭？"]
    assert len(found(str(passed.made["bundle"]))) == 1
    assert found("没有这样的词") == []


def test_a_search_finds_nothing_that_one_may_not_read(passed: Passed) -> None:
    reader = _member(passed.organization, "developer")

    def found(query: str) -> bool:
        return not window(reader).get("/lineage/", {"q": query}).context["page"].empty

    assert [found(query) for query in (SECRET, "青松七号", OPEN)] == [False, False, True]


def test_the_walk_asks_no_more_when_there_is_more(owner: Member, passed: Passed) -> None:
    client = window(owner)

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/lineage/bundle/{passed.made['bundle']}/")
        return len(asked)

    questions()
    before = questions()
    as_member(owner, lambda: [answer(passed, f"n{number}") for number in range(30)])
    assert questions() <= before + 1


def test_totals_count_all_the_way(owner: Member, passed: Passed) -> None:
    above, below = as_member(owner, lambda: lineage_totals("bundle", passed.made["bundle"]))
    assert (above["document"], above["document_version"], above["dataset_version"]) == (2, 2, 1)
    assert below["answer"] == 4


def test_a_ring_ends(owner: Member) -> None:
    from liaoyuan.pipeline.contract import Parent
    from liaoyuan.pipeline.services.lineage import lineage_write

    one, two = uuid4(), uuid4()

    def ring() -> Any:
        lineage_write(child_kind="a", child_id=two, parents=[Parent("a", one)])
        lineage_write(child_kind="a", child_id=one, parents=[Parent("a", two)])
        return neighbourhood("a", one)

    found = as_member(owner, ring)
    assert set(found.nodes) == {("a", one), ("a", two)}
    assert graph(owner, "a", one).start.key == ("a", one)


def test_layers_follow_the_longest_way() -> None:
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("x", "c")]
    assert layers(["c", "b", "a", "x"], edges) == {"a": 0, "b": 1, "c": 2, "x": 1}
    drawing = draw(["a", "b"], [("a", "b")])
    assert drawing.places["a"].x < drawing.places["b"].x


def test_a_line_is_cut_by_its_width_not_by_its_letters() -> None:
    assert fitting("short") == "short"
    assert len(fitting("抗菌药物分级管理制度与会诊规定")) < len(fitting("a" * 60))
