"""The keyword bank: versioned tables, found through spacing, width and script; whole words in English."""

from pathlib import Path

import pytest

from liaoyuan.security.errors import KeywordTableInvalid
from liaoyuan.security.keywords.bank import Keyword, KeywordBank, keywords_read, sample_bank

WORDS = (Keyword("制造炸药", "weapons", 3, "block", "zh"), Keyword("essay mill", "exam", 2, "flag", "en"))


@pytest.fixture
def bank() -> KeywordBank:
    return KeywordBank("1", WORDS)


@pytest.mark.parametrize(
    "text", ["制造炸药", "制 造 炸 药", "制*造*炸*药", "製造炸藥", "制\u200b造炸药", "制、造、炸、药"]
)
def test_a_word_is_found_through_fillers_and_variants(bank: KeywordBank, text: str) -> None:
    hits = bank.find(f"如何{text}？")
    assert [hit.keyword.category for hit in hits] == ["weapons"]
    assert f"如何{text}？"[hits[0].start : hits[0].end] == text


def test_english_words_count_only_as_whole_words(bank: KeywordBank) -> None:
    assert bank.find("an ESSAY MILL is banned")
    assert not bank.find("essay millions")


def test_a_bank_grows_without_changing_the_first(bank: KeywordBank) -> None:
    more = bank.extended([Keyword("代考", "exam", 2, "block", "zh")], version="edu-1")
    assert more.version == "1+edu-1"
    assert more.find("找人代考")
    assert not bank.find("找人代考")


def test_the_shipped_sample_is_in_order() -> None:
    assert sample_bank().version
    assert len(sample_bank().keywords) >= 20


@pytest.mark.parametrize(
    "content",
    [
        "word\tcategory\tseverity\taction\tlanguage\nx\ty\t1\tflag\tzh\n",  # no version
        "# version: 1\nword\tcategory\n",  # wrong header
        "# version: 1\nword\tcategory\tseverity\taction\tlanguage\nx\ty\t9\tflag\tzh\n",  # severity
        "# version: 1\nword\tcategory\tseverity\taction\tlanguage\nx\ty\t1\tdelete\tzh\n",  # action
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    table = tmp_path / "words.tsv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(KeywordTableInvalid) as refused:
        keywords_read(table)
    assert refused.value.params["file"] == "words.tsv"
