"""How much is quoted where it is not clear which passage answers, and what speaks for an answer at all."""

import pytest

from liaoyuan.knowledge.abstain import judge
from liaoyuan.knowledge.extract import depth, extract
from liaoyuan.knowledge.question import analyse
from liaoyuan.knowledge.rank import FEATURES, Candidate, Ranked, Statistics

QUESTION = "仓库的钥匙由谁保管？"
STATISTICS = Statistics(40, {"仓库": 6, "钥匙": 8, "保管": 7}, 20.0)


def ranked(*scores: float, cosine: float = 0.88) -> list[Ranked]:
    texts = [f"第{number}条 {place}的钥匙由值班员保管。" for number, place in enumerate("甲乙丙丁戊己庚辛", start=1)]
    return [
        Ranked(
            Candidate(f"c{place}", "仓库管理办法", "", texts[place], cosine, 5.0), score, dict.fromkeys(FEATURES, 0.5)
        )
        for place, score in enumerate(scores)
    ]


def quoted(*scores: float) -> list[str]:
    return [quote.chunk_id for quote in extract(analyse(QUESTION), ranked(*scores), STATISTICS)]


def test_the_one_passage_that_clearly_answers_is_quoted_alone() -> None:
    assert quoted(9.0, 4.0, 3.8, 3.5, 3.0, 2.0) == ["c0"]


def test_the_less_clear_it_is_the_more_is_quoted_best_first() -> None:
    assert quoted(5.0, 4.5, 1.0, 0.5, 0.0, 0.0) == ["c0", "c1"]
    assert quoted(5.0, 5.0, 5.0, 5.0, 0.0, 0.0) == ["c0", "c1", "c2", "c3"]


def test_no_more_than_five_passages_are_quoted_of_many_alike() -> None:
    assert quoted(*[5.0] * 8) == ["c0", "c1", "c2", "c3", "c4"]


def test_how_deep_an_answer_reads_follows_what_it_may_quote() -> None:
    question = analyse(QUESTION)
    assert depth(question) == depth(question, ranked(9.0, 4.0, 3.8, 3.5)) == 3
    assert depth(question, ranked(*[5.0] * 8)) == 5


def test_a_nearer_passage_speaks_for_an_answer() -> None:
    far, near = (
        judge(analyse(QUESTION), ranked(5.0, 4.0, cosine=cosine), STATISTICS).probability for cosine in (0.80, 0.92)
    )
    assert far < near


@pytest.mark.parametrize(("text", "wanted"), [("仓库的钥匙要配几把？", 1.0), ("仓库的钥匙由谁保管？", 0.0)])
def test_that_a_number_is_asked_is_told_to_the_judge(text: str, wanted: float) -> None:
    assert judge(analyse(text), ranked(5.0, 4.0), STATISTICS).features["amount"] == wanted


def test_a_body_that_nobody_mentions_is_not_answered_for() -> None:
    stranger = judge(analyse("华能公司仓库的钥匙由谁保管？"), ranked(9.0, 2.0, cosine=0.95), STATISTICS)
    assert stranger.features["entity"] == 1.0
    assert not stranger.answerable
