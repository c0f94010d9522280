"""A question tells what shape of answer it wants."""

import pytest

from liaoyuan.knowledge.question import Kind, analyse, fits


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("护士注册的有效期是几年？", Kind.AMOUNT),
        ("重大事故由谁组织调查？", Kind.WHO),
        ("奖学金什么时候发放？", Kind.WHEN),
        ("窃电行为有哪些？", Kind.LIST),
        ("卖医疗废物会怎么罚？", Kind.PENALTY),
        ("网上可以卖疫苗吗？", Kind.YES_NO),
        ("瓦斯超限应当怎么办？", Kind.HOW),
        ("How long is the registration valid?", Kind.AMOUNT),
        ("Who approves the permit?", Kind.WHO),
        ("May a trainee work alone?", Kind.YES_NO),
        ("What are the conditions for discharge?", Kind.LIST),
    ],
)
def test_the_kind_of_a_question(text: str, kind: Kind) -> None:
    assert analyse(text).kind is kind


def test_a_duration_is_answered_by_a_duration_not_by_any_number() -> None:
    question = analyse("医疗废物最多能暂存几天？")
    assert fits(question, "暂时贮存的时间不得超过2天。")
    assert not fits(question, "距离不得少于2米。")


def test_who_is_answered_by_a_body() -> None:
    assert fits(analyse("需要谁批准？"), "应当经县级以上地方电力管理部门批准。")
    assert not fits(analyse("需要谁批准？"), "应当采取安全措施。")


def test_a_question_without_a_subject_has_no_words() -> None:
    assert analyse("这个怎么办？").words == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("华能公司的总部在哪里？", ("华能公司",)),
        ("北京协和医院的挂号电话是多少？", ("北京协和医院",)),
        ("清河市第二人民医院几点开门？", ("清河市第二人民医院",)),
        ("手机游戏公司多久要审计一次？", ()),
        ("已经把医院告上法庭了，还能调解吗？", ()),
        ("一个公司里谁是第一责任人？", ()),
        ("上市公司能不能办幼儿园？", ()),
        ("经办处不按协议给医院打钱怎么办？", ()),
    ],
)
def test_a_body_is_named_by_a_name_not_by_the_common_words_before_it(text: str, names: tuple[str, ...]) -> None:
    assert analyse(text).names == names
