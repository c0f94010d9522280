"""The personal-data control reads language, not identifiers."""

import json
from pathlib import Path

from liaoyuan.security.controls.guarding import PERSONAL, _texts
from liaoyuan.security.pii.scanner import scan


def personal(tmp_path: Path, row: dict[str, object]) -> int:
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    return sum(span.label in PERSONAL for text in _texts(file) for span in scan(text, PERSONAL))


def test_an_identifier_that_begins_like_a_telephone_number_is_no_finding(tmp_path: Path) -> None:
    identifier = "02484041-1408-41e5-8a55-0123456789ab"
    assert personal(tmp_path, {"answer": "静脉血栓预防流程", "document": identifier, "passage": f"{identifier}:3"}) == 0


def test_a_telephone_number_in_the_text_is_one(tmp_path: Path) -> None:
    assert personal(tmp_path, {"answer": "请拨打 13812345678 联系家属"}) == 1
