"""``manage.py knowledge chunks``: what the page shows and does, from the command line, under the same rights."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from liaoyuan.accounts.models import AuditEvent, Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.knowledge.adapters.embeddings import embedder
from tests.integration.knowledge.conftest import NURSING, WASTE, Ask, Import

NAME = "医疗废物管理办法.md"
STAY = "第三条 医疗废物暂时贮存的时间不得超过2天。"


@pytest.fixture(autouse=True)
def brought(settings: Any, bring: Import) -> Iterator[None]:
    settings.EMBEDDINGS = "process"
    embedder.cache_clear()
    bring({NAME: WASTE})
    yield
    embedder.cache_clear()


class Desk:
    """The command, as an operator types it."""

    def __init__(self, organization: Any) -> None:
        self.organization, self.said = organization, ""

    def run(self, *words: str) -> dict[str, Any]:
        out, told = StringIO(), StringIO()
        common = ("--organization", self.organization.name, "--collection", "制度", "--json")
        try:
            call_command("knowledge", "chunks", *common, *words, stdout=out, stderr=told)
        finally:
            self.said = told.getvalue()
        return dict(json.loads(out.getvalue()))

    def refused(self, *words: str) -> str:
        with pytest.raises(SystemExit):
            self.run(*words)
        return self.said.partition(":")[0]

    def at(self, words: str) -> dict[str, Any]:
        return next(each for each in self.run(NAME)["chunks"] if words in each["text"])


@pytest.fixture
def desk(organization: Any) -> Desk:
    return Desk(organization)


def test_the_chunks_are_listed_by_file_by_id_and_by_page(desk: Desk) -> None:
    shown = desk.run(NAME)
    assert [each["text"] for each in shown["chunks"]][2] == STAY
    assert shown["counts"] == {"chunks": len(shown["chunks"]), "edited": 0, "added": 0, "disabled": 0, "lost": 0}
    assert shown["chunks"][2]["heading_path"][-1] == "第二章 贮存"
    assert {each["origin"] for each in shown["chunks"]} == {"parsed"}
    assert desk.run(shown["document_id"]) == shown
    pages = {each["page"] for each in shown["chunks"]}
    assert desk.run(NAME, "--page", "999")["chunks"] == []
    assert pages == {None} or sum(len(desk.run(NAME, "--page", str(page))["chunks"]) for page in pages) == len(
        shown["chunks"]
    )


def test_a_chunk_is_changed_switched_off_and_on_and_the_history_says_by_whom(
    desk: Desk, owner: Member, ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text(STAY + "冷藏条件为5℃以下的温控库房。", encoding="utf-8")
    seen = desk.at("不得超过2天")
    new = ("--text-file", str(tmp_path / "new.txt"), "--user", owner.user.email)
    (now,) = desk.run("--edit", seen["id"], *new, "--tag", seen["tag"])["chunks"]
    assert (now["id"], now["origin"]) == (seen["id"], "edited")
    assert now["edited_by"]
    assert any("温控库房" in each.quote for each in ask("冷藏条件是多少度的温控库房？").citations)
    # Whoever saw the earlier state overwrites nothing.
    assert desk.refused("--edit", seen["id"], *new, "--tag", seen["tag"]) == "chunk_changed"

    off = desk.run("--disable", seen["id"])
    assert (off["chunks"][0]["enabled"], off["counts"]["disabled"]) == (False, 1)
    assert not any("温控库房" in each.quote for each in ask("冷藏条件是多少度的温控库房？").citations)
    assert desk.run("--enable", seen["id"])["chunks"][0]["enabled"]

    edits = desk.run(NAME, "--history")["edits"]
    assert [each["action"] for each in edits] == ["enable", "disable", "edit"]
    assert [each["author"] for each in edits] == ["", "", now["edited_by"]]
    assert edits[2]["before"][0]["text"] == STAY
    with tenant_context(desk.organization.id):
        assert AuditEvent.objects.filter(action="chunk.edit", object_id=seen["id"]).count() == 1


def test_what_a_new_version_could_not_take_over_is_listed(desk: Desk, bring: Import, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text(STAY.replace("2天", "24小时"), encoding="utf-8")
    desk.run("--edit", desk.at("不得超过2天")["id"], "--text-file", str(tmp_path / "new.txt"))
    bring({NAME: WASTE.replace("不得超过2天", "不得超过3天")})
    shown = desk.run(NAME, "--lost")
    assert shown["counts"]["lost"] == 1
    (lost,) = shown["lost"]
    assert lost["reason"] == "conflict"
    assert ("2天" in lost["before"], "24小时" in lost["after"]) == (True, True)
    assert lost["near"] == desk.at("不得超过3天")["id"]


def test_who_may_not_is_refused_and_nobody_reaches_another_place(
    desk: Desk, viewer: Member, stranger: Member, other_organization: Any, bring: Import
) -> None:
    chunk = desk.at("不得超过2天")["id"]
    assert desk.refused("--disable", chunk, "--user", viewer.user.email) == "permission_denied"
    assert desk.refused("--disable", chunk, "--user", stranger.user.email) == "not_authenticated"
    assert desk.refused(NAME, "--user", "nobody@example.org") == "not_found"
    bring({NAME: WASTE}, into=other_organization)
    assert Desk(other_organization).refused("--disable", chunk) == "not_found"
    assert desk.at("不得超过2天")["enabled"]
    bring({"护理值班制度.md": NURSING}, groups=["nurses"])
    assert desk.refused("护理值班制度.md", "--user", viewer.user.email) == "not_found"


def test_what_is_not_there_or_not_said_is_told(desk: Desk, tmp_path: Path) -> None:
    assert desk.refused() == "invalid_input"
    assert desk.refused("没有.md") == "document_unknown"
    assert desk.refused(str(uuid4())) == "not_found"
    chunk = desk.at("不得超过2天")["id"]
    assert desk.refused("--edit", chunk) == "invalid_input"
    assert desk.refused("--edit", chunk, "--text-file", str(tmp_path / "none.txt")) == "invalid_input"
    assert desk.refused("--enable", str(uuid4())) == "not_found"
