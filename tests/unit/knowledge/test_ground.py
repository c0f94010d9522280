"""A generated sentence stands only on evidence: words, numbers, dates and negation."""

import pytest

from liaoyuan.knowledge.ground import check_grounded, flaw, may_stand

EVIDENCE = ["第八条 护士执业注册有效期为5年。", "第十四条 医疗废物暂时贮存的时间不得超过2天。自2021年3月1日起施行。"]


@pytest.mark.parametrize(
    "answer",
    [
        "护士执业注册的有效期为五年。",
        "护士执业注册有效期为5年。[1]",
        "医疗废物暂时贮存时间不得超过2天。",
    ],
)
def test_a_faithful_answer_is_grounded(answer: str) -> None:
    assert check_grounded(answer, EVIDENCE).grounded


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("护士执业注册有效期为3年。", "unsupported_number"),
        ("医疗废物暂时贮存的时间不得超过2小时。", "unsupported_number"),
        ("医疗废物暂时贮存的时间可以超过2天。", "negation"),
        ("该规定自2022年3月1日起施行。", "unsupported_date"),
        ("护士每月补贴由医院财务科发放到银行卡。", "unsupported_words"),
    ],
)
def test_an_unfaithful_answer_is_not_and_says_why(answer: str, reason: str) -> None:
    verdict = check_grounded(answer, EVIDENCE)
    assert not verdict.grounded
    assert reason in verdict.sentences[0].reasons


def test_one_invented_sentence_spoils_the_answer() -> None:
    verdict = check_grounded("护士执业注册有效期为5年。逾期一天罚款一千元。", EVIDENCE)
    assert not verdict.grounded
    assert verdict.share == 0.5


def test_english_is_checked_alike() -> None:
    evidence = ["The nurse must not leave the patient for more than 15 minutes after the injection."]
    assert check_grounded("The nurse must not leave the patient for more than 15 minutes.", evidence).grounded
    assert not check_grounded("The nurse must not leave the patient for more than 30 minutes.", evidence).grounded
    assert not check_grounded("The nurse may leave the patient after the injection.", evidence).grounded


def test_without_evidence_or_without_claims_nothing_is_grounded() -> None:
    assert not check_grounded("护士执业注册有效期为5年。", []).grounded
    assert not check_grounded("", EVIDENCE).grounded


def test_the_number_of_a_clause_is_no_evidence_for_a_number() -> None:
    evidence = ["2.1 The fine for an overdue book is 0.20 yuan per day."]
    assert not check_grounded("The fine per day for an overdue book is 2.1.", evidence).grounded
    assert check_grounded("The fine for an overdue book is 0.20 yuan per day.", evidence).grounded


@pytest.mark.parametrize("answer", ["1", "1.", "2 [1]", "30 分钟"])
def test_a_number_without_words_around_it_is_not_grounded_even_where_the_evidence_holds_it(answer: str) -> None:
    evidence = ["Take 2 sets of blood cultures within 1 hour.", "速干手消毒剂应当作用 30 分钟。"]
    verdict = check_grounded(answer, evidence)
    assert not verdict.grounded
    assert verdict.sentences[0].reasons == ("bare_number",)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("The following five actions start within 1 hour of recognition: [1] " * 6 + "The following", "repeated"),
        ("Take two sets of cultures. Then wait. Take two sets of cultures.", "repeated"),
        ("Take two sets of cultures. Then wait. Take two more sets of them. Then wait.", ""),
        ("Take two sets. Take two sets. Take two sets. Take two sets.", "repeated"),
        ("Within 1 hour of recognition, these are begun:", "unfinished"),
        ("医师应在接到报告后15分钟内作出处置并记载。医师应在接到报告后15分钟内作出处置并记载。", "repeated"),
        ("护士执业注册有效期为5年：[1]", "unfinished"),
        ("护士执业注册有效期为5年，届满前30日申请延续；延续的有效期同为5年。", ""),
        ("护士执业注册有效期为5年", ""),
    ],
)
def test_a_text_that_runs_in_circles_or_breaks_off_is_no_answer(answer: str, found: str) -> None:
    assert flaw(answer) == found


def test_what_the_limit_of_tokens_ended_is_unfinished() -> None:
    assert flaw("护士执业注册有效期为5年。", cut=True) == "unfinished"


def test_an_answer_may_stand_where_it_is_carried_and_whole() -> None:
    assert may_stand("护士执业注册有效期为5年。", EVIDENCE)
    assert not may_stand("护士执业注册有效期为3年。", EVIDENCE)
    cut = may_stand("护士执业注册有效期为5年。", EVIDENCE, cut=True)
    assert not cut
    assert (cut.carried, cut.flaw) == (True, "unfinished")
    assert not may_stand("好的。", EVIDENCE), "it claims nothing"


def test_a_text_that_grows_is_judged_sentence_by_sentence_under_the_same_rules() -> None:
    first, second = "好的。", "护士执业注册有效期为5年。"
    assert may_stand(first, EVIDENCE, more=True)
    assert may_stand(first + second, EVIDENCE, told=len(first))
    assert may_stand("如下：", EVIDENCE, more=True), "the list may come yet"
    assert not may_stand("如下：", EVIDENCE), "the list never came"
    assert may_stand(first + second + second, EVIDENCE, told=len(first + second), more=True).flaw == "repeated"
    assert not may_stand(second + "逾期一天罚款一千元。", EVIDENCE, told=len(second))
