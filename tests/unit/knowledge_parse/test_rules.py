"""Who makes the reading or the cutting better says so: collections that stand on the older one are told by it."""

from liaoyuan.knowledge.parse.kinds import MEDIA_TYPES
from liaoyuan.knowledge.rules import READING, reading_rules
from tests.unit.knowledge_parse.rules import kept, today


def test_what_sample_files_are_read_and_cut_to_changes_with_the_number_of_its_rules_only() -> None:
    now, before = today(), kept()
    assert now == before, (
        "raise the number of what differs in knowledge/rules.py, then run python -m tests.unit.knowledge_parse.rules"
    )
    # No library at hand writes these four; what reads them is tested with real files.
    assert set(now) == {*MEDIA_TYPES, "cutting"} - {"doc", "ppt", "msg", "xls"}


def test_every_kind_that_is_read_has_a_number() -> None:
    assert set(READING) == set(MEDIA_TYPES)
    assert reading_rules("application/pdf") == READING["pdf"]
    assert reading_rules("application/x-of-an-older-release") == 1
