"""Digital files of every format give their exact text: the error rates of the acceptance gate."""

import json

import pytest

from benchmarks.parse_error_rate import AIMS, DEFAULT, USUAL_AIM, distance, normal, text_of
from tests.unit.knowledge_parse.conftest import Parse

MANIFEST = DEFAULT / "manifest.json"
FILES = json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else []


@pytest.mark.data
@pytest.mark.skipif(not FILES, reason="../shared/data/enterprise_docs_zh is absent")
@pytest.mark.parametrize("entry", [e for e in FILES if "scan" not in e["format"]], ids=lambda entry: str(entry["file"]))
def test_character_error_rate(parse: Parse, entry: dict[str, str]) -> None:
    outcome = parse(DEFAULT / "files" / entry["file"])
    truth = normal((DEFAULT / entry["truth"]).read_text())
    assert distance(truth, normal(text_of(outcome))) <= AIMS.get(entry["format"], USUAL_AIM) * len(truth)
