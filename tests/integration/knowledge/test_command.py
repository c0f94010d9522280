"""The acceptance commands print what they promise."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.integration.knowledge.conftest import WASTE

pytestmark = pytest.mark.usefixtures("in_process")


def run(verb: str, organization: Any, *arguments: str) -> Any:
    out = StringIO()
    common = ["--organization", organization.name, "--collection", "制度", "--json"]
    call_command("knowledge", verb, *common, *arguments, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def test_import_text_ask_and_evaluate(organization: Any, viewer: Any, stranger: Any, tmp_path: Path) -> None:
    file = tmp_path / "医疗废物管理办法.md"
    file.write_text(WASTE)
    imported = run("import", organization, str(file))["files"][0]
    promised = {"path", "state", "code", "reason", "flags", "pages", "blocks", "chunks", "seconds", "peak_memory_mb"}
    assert promised <= imported.keys()
    assert imported["state"] == "ready"

    blocks = run("text", organization, str(file))["blocks"]
    assert {"type", "page", "box", "text"} <= blocks[0].keys()

    question = "医疗废物暂时贮存的时间最多几天？"
    answer = run("ask", organization, question, "--user", viewer.user.email)
    assert {"answer", "abstained", "citations", "grounded", "timings"} <= answer.keys()
    assert {"document", "version", "locator", "page", "box", "quote"} <= answer["citations"][0].keys()

    questions = tmp_path / "questions.jsonl"
    line = {"id": "1", "question": question, "evidence": ["医疗废物管理办法#第三条"], "must_contain": ["2天"]}
    questions.write_text(json.dumps(line | {"answerable": True}, ensure_ascii=False))
    metrics = run("evaluate", organization, "--questions", str(questions))
    assert (metrics["n"], metrics["recall@1"], metrics["must_contain"]) == (1, 1.0, 1.0)
    assert {"recall@5", "recall@10", "mrr", "ndcg@10", "citation_correct", "p50_ms", "p95_ms", "rows"} <= metrics.keys()

    with pytest.raises(SystemExit):
        run("ask", organization, question, "--user", stranger.user.email)
