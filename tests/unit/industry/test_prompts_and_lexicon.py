"""Prompts are data: one replacement pass. Lexicon terms are literal: no pattern of a pack's own reaches the engine."""

import time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.industry.errors import PackInvalid, PromptInvalid
from liaoyuan.industry.lexicon import LexiconEntry, lexicon_parse
from liaoyuan.industry.prompts import prompt_check, prompt_render
from liaoyuan.industry.schemas.base import Language

PROMPT = "E: {{evidence}}\nQ: {{ question }}\n"
hostile = st.text(alphabet="{}{{question}}{{evidence}}%$.\\ab", max_size=60)


def test_names_are_replaced() -> None:
    assert prompt_render("p", PROMPT, {"evidence": "a", "question": "b"}) == "E: a\nQ: b\n"


@given(evidence=hostile, question=hostile)
def test_braces_in_a_tenants_text_stay_as_they_are(evidence: str, question: str) -> None:
    rendered = prompt_render("p", PROMPT, {"evidence": evidence, "question": question})
    assert rendered == "E: " + evidence + "\nQ: " + question + "\n"


@pytest.mark.parametrize("text", ["{% include 'x' %}", "{{ question|upper }}", "{question}", "${question}", "{# x #}"])
def test_nothing_else_is_a_command(text: str) -> None:
    assert prompt_render("p", text, {"question": "b", "evidence": "a"}) == text


def test_a_value_that_is_missing_is_an_error_and_not_an_empty_string() -> None:
    with pytest.raises(PromptInvalid, match=r"no value for \{\{evidence"):
        prompt_render("p", PROMPT, {"question": "b"})


@pytest.mark.parametrize("name", ["questoin", "question.__class__", "0", ""])
def test_an_unknown_name_is_refused_when_the_pack_loads(name: str) -> None:
    with pytest.raises(PromptInvalid):
        prompt_check("p", PROMPT + "{{" + name + "}}")


def entry(term: str, language: str) -> LexiconEntry:
    return LexiconEntry(term, cast("Language", language), "keyword", "")


@pytest.mark.parametrize(
    ("term", "language", "text", "found"),
    [
        ("给我 * 开药", "zh", "请给我今天开药吧", True),
        ("给我 * 开药", "zh", "请给我讲讲哪些级别的医师在什么情况下可以开药", False),
        ("给我 * 开药", "zh", "开药给我", False),
        ("no pulse", "en", "There is No Pulse!", True),
        ("no pulse", "en", "no pulses", False),
        ("a.b", "en", "axb", False),
        ("(", "zh", "（(", True),
    ],
)
def test_a_term_is_literal_with_at_most_a_short_gap(term: str, language: str, text: str, found: bool) -> None:
    assert bool(entry(term, language).pattern.search(text)) is found


def test_a_hostile_term_does_not_cost_time() -> None:
    started = time.process_time()
    entry(" * ".join(["a"] * 6), "zh").pattern.search("a" * 2_000 + "b")
    entry("(a+)+$", "zh").pattern.search("a" * 20_000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("line", ["quay\ten\tsynonym", "quay\ten\tsynonym\t", "\ten\tkeyword\t", "quay\ten\tcode\tx"])
def test_a_line_that_does_not_fit_is_named_by_number(line: str) -> None:
    with pytest.raises(PackInvalid, match="line 3"):
        lexicon_parse("lexicon/x.tsv", f"term\tlanguage\tkind\tvalue\n# a comment\n{line}\n")
