"""``manage.py knowledge source``: add, list, sync, remove; and ``ask --day``."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.integration.knowledge_sources.conftest import NURSING


@pytest.fixture
def run(organization: Any) -> Any:
    def call(*given: str, collection: str = "制度") -> Any:
        out = StringIO()
        own = ("--organization", organization.name, "--collection", collection, "--json")
        call_command("knowledge", *given, *own, stdout=out)
        return json.loads(out.getvalue().splitlines()[-1])

    return call


def test_a_folder_is_followed_from_the_command_line(run: Any, root: Path) -> None:
    (root / "值班(2024-01-01).md").write_text(NURSING)
    (root / "值班规定(2024-01-01).md").write_text(NURSING)
    added = run("source", "add", "--name", "盘", "--kind", "folder", "--settings", json.dumps({"root": str(root)}))
    assert added["kind"] == "folder" and added["items"] == 0
    synced = run("source", "sync", "--name", "盘")
    assert (synced["state"], synced["counts"]["read"]) == ("succeeded", 2)
    (listed,) = run("source", "list")["sources"]
    assert listed["items"] == 2 and "sealed" not in listed
    assert "两人" in run("ask", "夜班护士每班不得少于几人？")["answer"]
    removed = run("source", "remove", "--name", "盘", "--documents", "end")
    assert removed["items"] == 2 and run("source", "list")["sources"] == []
    assert run("ask", "夜班护士每班不得少于几人？")["abstained"]
    assert "两人" in run("ask", "夜班护士每班不得少于几人？", "--day", "2024-06-01")["answer"]


def test_what_is_not_allowed_is_said(run: Any, root: Path) -> None:
    with pytest.raises(SystemExit):
        run("source", "add", "--name", "盘", "--kind", "folder", "--settings", json.dumps({"root": "/etc"}))
    with pytest.raises(SystemExit):
        run("source", "sync", "--name", "nobody")
