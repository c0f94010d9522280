"""``knowledge verdict`` and ``knowledge questions``, as somebody at the machine uses them."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

LINE = {
    "question": "医疗废物暂时贮存的时间最多几天？",
    "evidence": ["医疗废物管理办法#第三条"],
    "must_contain": ["2天"],
}


def run(organization: Any, *words: str) -> dict[str, Any]:
    out = StringIO()
    where = ("--organization", organization.name, "--collection", "制度", "--json")
    call_command("knowledge", *words, *where, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def test_a_verdict_is_printed_with_its_proof(collection: Any, organization: Any) -> None:
    found = run(organization, "verdict", str(LINE["question"]), "--expected", "不得超过2天", "--answer", "七天")
    assert found["cause"] == "generate"
    assert found["zh"] and found["en"]
    assert {finding["kind"] for finding in found["findings"]} >= {"expected", "context", "answer"}
    assert found["mend"][0]["screen"] == "lab"


def test_a_set_is_imported_evaluated_listed_and_taken_away(collection: Any, organization: Any, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(LINE, ensure_ascii=False) + "\nbroken\n", encoding="utf-8")
    brought = run(organization, "questions", "import", "--file", str(path), "--set", "验收")
    assert (brought["added"], [line["line"] for line in brought["bad"]]) == (1, [2])
    measured = run(organization, "questions", "evaluate", "--set", "验收")
    assert (measured["n"], measured["recall@5"], measured["must_contain"]) == (1, 1.0, 1.0)
    assert measured["intervals"]["recall@5"][1] == 1.0
    assert run(organization, "questions", "list")["sets"][0]["approved"] == 1
    assert run(organization, "questions", "export", "--set", "验收")["questions"][0]["must_contain"] == ["2天"]
    made = run(organization, "questions", "make", "--target", "5", "--set", "生成")
    assert made["state"] == "succeeded"
    assert made["proposed"] >= 3
    with pytest.raises(SystemExit):
        run(organization, "questions", "evaluate", "--set", "生成")


def test_the_acceptance_command_keeps_its_output_and_adds_intervals(
    collection: Any, organization: Any, tmp_path: Path
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"id": "q1", **LINE, "answerable": True}, ensure_ascii=False), encoding="utf-8")
    found = run(organization, "evaluate", "--questions", str(path))
    names = {
        "n", "recall@1", "recall@5", "recall@10", "mrr", "ndcg@10", "citation_valid", "citation_correct",
        "must_contain", "abstained_unanswerable", "refused_answerable", "p50_ms", "p95_ms", "rows", "intervals",
    }  # fmt: skip
    assert names <= set(found)
    assert found["rows"][0]["id"] == "q1"
    assert 0 < found["intervals"]["recall@5"][0] < 1
