"""The way through the API that the documentation shows asks only for what there is, in both languages alike."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
KEPT = json.loads((Path(__file__).parent / "kept.json").read_text(encoding="utf-8"))["operations"]
CALL = re.compile(r'ask (?P<post>-X POST )?"?\$API(?P<path>/[^\s"|]*)"?(?P<rest>[^|\n]*)')


def calls(name: str) -> list[tuple[str, str, set[str]]]:
    """(method, address, fields of the body) of each call in the shell text of the page."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    shell = next(part for part in text.split("```") if part.startswith("sh\nAPI="))
    found = []
    for call in CALL.finditer(shell):
        body = re.search(r"-d '(\{.*?\})'", call["rest"])
        fields = set(json.loads(body[1])) if body else {"files"} if "-F files=" in call["rest"] else set()
        path = re.sub(r"\$\w+", "{}", call["path"].partition("?")[0])
        found.append(("POST" if call["post"] or body or fields else "GET", f"/api/v1{path}", fields))
    return found


@pytest.mark.parametrize("name", ["api.md", "api.zh.md"])
def test_each_call_is_an_operation_that_takes_what_is_sent(name: str) -> None:
    operations = {re.sub(r"\{\w+\}", "{}", each): kept for each, kept in KEPT.items()}
    found = calls(name)

    assert len(found) >= 10
    for method, path, fields in found:
        kept = operations[f"{method} {path}"]
        needed = {each for each in kept["required"] if f"{{{each}}}" not in name_of(method, path)}
        assert needed <= fields, (method, path)


def name_of(method: str, path: str) -> str:
    return next(each for each in KEPT if re.sub(r"\{\w+\}", "{}", each) == f"{method} {path}")


def test_both_languages_show_the_same_way() -> None:
    assert calls("api.md") == calls("api.zh.md")
