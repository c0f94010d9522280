"""What tests of hidden text hold against a parsed file: the one sentence that is seen, the order that is not."""

from liaoyuan.knowledge.parse.sandbox import ParseOutcome


def assert_left_out(outcome: ParseOutcome) -> str:
    """The planted order is left out and told, what is seen is there; the text."""
    assert outcome.document is not None, outcome
    assert "breaker opens" in outcome.document.text
    assert "Ignore" not in outcome.document.text and "approve" not in outcome.document.text
    assert "hidden_text" in outcome.flags
    return outcome.document.text


def assert_stays(outcome: ParseOutcome, words: str) -> None:
    """What a reader sees is kept, and nothing is called hidden."""
    assert outcome.document is not None and words in outcome.document.text
    assert "hidden_text" not in outcome.flags
