"""Everyday words of a question find the words by which documents say the same, and help to order what was found."""

import pytest

from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, Candidate, Statistics, feature_table
from liaoyuan.knowledge.text.everyday import everyday


@pytest.mark.parametrize(
    ("question", "said", "written"),
    [
        ("老板拖着不发薪水怎么办？", "老板", "用人单位"),
        ("小孩子可以进网吧吗？", "小孩", "未成年人"),
        ("Who has to fix the pump?", "fix", "repair"),
        ("May my boss read my mail?", "boss", "supervisor"),
        ("How do I throw out old cells?", "throw", "dispos"),
    ],
)
def test_an_everyday_word_has_the_words_of_documents(question: str, said: str, written: str) -> None:
    assert written in analyse(question).perhaps[said]


def test_the_words_of_documents_do_not_stand_for_everyday_ones() -> None:
    assert "老板" not in str(everyday("用人单位应当做什么？", ["用人单位"]))


def test_a_word_counts_only_whole() -> None:
    assert "boss" not in analyse("Where is the embossed seal?").perhaps


def test_the_longest_everyday_word_counts_alone() -> None:
    names = everyday("小学生几点放学？", ["小学生"])
    assert "适龄儿童" in names["小学生"]


def test_nothing_is_searched_by_what_a_word_may_mean() -> None:
    question = analyse("大夫可以请人代签吗？")
    assert not set(question.search_terms()) & (set(question.perhaps["大夫"]) - set(question.variants.get("大夫", ())))


def features(question: str, *texts: str) -> list[float]:
    candidates = [Candidate(f"c{place}", "手册", "", text, 0.85, 1.0) for place, text in enumerate(texts)]
    table = feature_table(analyse(question), candidates, Statistics(200, {}, 20.0))
    return list(table[:, FEATURES.index("everyday")])


def test_a_passage_in_the_words_of_documents_gains_on_one_that_shares_none() -> None:
    official, other = features("Who fixes a broken pump?", "The technician repairs a faulty pump.", "The pump is blue.")
    assert official > other


def test_a_question_without_everyday_words_is_ordered_as_before() -> None:
    assert features("What colour is the emblem?", "The emblem is red.", "The seal is blue.") == [0.0, 0.0]
