"""A question that asks several things is taken apart, and what its parts find is put into one order."""

import pytest

from liaoyuan.knowledge.parts import interleaved, question_parts
from liaoyuan.knowledge.rank import Candidate, Ranked


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("夜间巡视谁来安排，交接班记录要保存多久？", ("夜间巡视谁来安排", "交接班记录要保存多久")),
        ("退费和转学手续，分别找哪个部门？", ()),
        ("申请退费的学生和申请转学的学生，分别找哪个部门？", ("申请退费的学生找哪个部门", "申请转学的学生找哪个部门")),
        ("出了火灾，值班员应当先报告谁？", ()),
        ("出了火灾，值班员应当先报告谁，现场由谁指挥？", ("出了火灾，值班员应当先报告谁", "现场由谁指挥")),
        (
            "How long is the warranty and who may repair the pump?",
            ("How long is the warranty", "who may repair the pump"),
        ),
        ("Who approves leave and overtime?", ()),
    ],
)
def test_only_a_question_that_asks_twice_has_parts(question: str, parts: tuple[str, ...]) -> None:
    assert question_parts(question) == parts


def test_a_part_that_leans_on_the_first_is_completed_from_it() -> None:
    assert question_parts("评审委员会开会要来多少人，多少人同意才通过？")[1].startswith("评审委员会")


def test_no_question_has_more_than_three_parts() -> None:
    assert len(question_parts("值班表谁排、夜班谁值、巡视谁去、记录谁填、报告谁交？")) <= 3


def test_the_best_of_each_part_are_equals_before_all_others() -> None:
    whole = _ranked(("a", 9.0), ("b", 8.0), ("c", 3.0))
    one, other = _ranked(("a", 5.0), ("d", 1.0)), _ranked(("e", 20.0), ("b", 12.0))
    order = interleaved(whole, [one, other])
    assert [item.candidate.chunk_id for item in order] == ["a", "e", "b", "d", "c"]
    assert order[0].score == order[1].score == 9.0
    assert [item.score for item in order] == sorted((item.score for item in order), reverse=True)


def test_what_only_a_part_finds_stays_when_the_whole_finds_nothing_else() -> None:
    assert interleaved(_ranked(("a", 1.0)), [[], _ranked(("b", 4.0))])[1].candidate.chunk_id in {"a", "b"}
    assert interleaved([], [_ranked(("b", 4.0))]) == []


def _ranked(*scores: tuple[str, float]) -> list[Ranked]:
    return [Ranked(Candidate(name, "", "", "", 0.0, 0.0), score, {}) for name, score in scores]
