"""``manage.py lineage``: the graph by command, safe in circles, empty for strangers."""

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.contract import Parent
from liaoyuan.pipeline.services import lineage_write

PAGE, CHUNK, MODEL, ANSWER = (uuid4() for _ in range(4))


def ask(organization: Any, of: str, direction: str) -> Any:
    out = StringIO()
    call_command("lineage", organization=organization.name, of=of, direction=direction, json=True, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def graph(organization: Any) -> None:
    with tenant_context(organization.id):
        lineage_write(child_kind="chunk", child_id=CHUNK, parents=[Parent("page", PAGE)])
        lineage_write(child_kind="model", child_id=MODEL, parents=[Parent("chunk", CHUNK, "trained_on")])
        lineage_write(child_kind="answer", child_id=ANSWER, parents=[Parent("chunk", CHUNK, "cites")])


def test_from_an_answer_up_to_the_page(graph: None, organization: Any) -> None:
    answer = ask(organization, f"answer:{ANSWER}", "up")
    assert {node["id"] for node in answer["nodes"]} == {str(ANSWER), str(CHUNK), str(PAGE)}
    assert {"parent": f"chunk:{CHUNK}", "child": f"answer:{ANSWER}", "relation": "cites"} in answer["edges"]


def test_from_a_page_down_to_all_that_rests_on_it(graph: None, organization: Any) -> None:
    answer = ask(organization, f"page:{PAGE}", "down")
    assert {node["kind"] for node in answer["nodes"]} == {"page", "chunk", "model", "answer"}


def test_a_circle_ends(graph: None, organization: Any) -> None:
    with tenant_context(organization.id):
        lineage_write(child_kind="page", child_id=PAGE, parents=[Parent("answer", ANSWER)])
    answer = ask(organization, f"page:{PAGE}", "down")
    assert len(answer["edges"]) == 4


def test_writing_an_edge_twice_keeps_one(graph: None, organization: Any) -> None:
    with tenant_context(organization.id):
        lineage_write(child_kind="chunk", child_id=CHUNK, parents=[Parent("page", PAGE)])
    assert len(ask(organization, f"chunk:{CHUNK}", "up")["edges"]) == 1


def test_another_tenant_sees_its_start_and_nothing_else(graph: None, other_organization: Any) -> None:
    answer = ask(other_organization, f"page:{PAGE}", "down")
    assert (len(answer["nodes"]), answer["edges"]) == (1, [])


@pytest.mark.parametrize("of", ["page", "page:", "page:7", ""])
def test_a_bad_start_is_refused(of: str, organization: Any) -> None:
    with pytest.raises(CommandError, match="KIND:ID"):
        ask(organization, of, "up")
