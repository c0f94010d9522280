"""Questions that the collection cannot answer: about things and properties of which no chunk says a word.

Absence is not assumed but checked, letter by letter, against every passage in force.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.text.normalise import is_chinese, squeeze

# (what must stand nowhere, the question about a thing that does stand there)
_THING: Final = (
    ("采购价格", "{name}的采购价格是多少元？"),
    ("生产厂家", "{name}的生产厂家是哪一家？"),
    ("保修期", "{name}的保修期是几年？"),
    ("市场占有率", "{name}的市场占有率是多少？"),
    ("碳排放", "{name}的碳排放量是多少？"),
    ("发明人", "{name}的发明人是谁？"),
    ("purchase price", "What is the purchase price of {name}?"),
    ("manufacturer", "Which manufacturer supplies {name}?"),
    ("warranty", "How long is the warranty of {name}?"),
    ("market share", "What is the market share of {name}?"),
    ("carbon footprint", "What is the carbon footprint of {name}?"),
)
_DOCUMENT: Final = (
    ("起草人", "《{name}》的起草人是谁？"),
    ("征求意见", "《{name}》征求意见时收到了多少条意见？"),
    ("印刷", "《{name}》一共印刷了多少册？"),
    ("培训费", "参加《{name}》培训的培训费是多少元？"),
    ("投诉电话", "《{name}》公布的投诉电话是多少？"),
    ("drafted", "Who drafted the document “{name}”?"),
    ("printed copies", "How many printed copies of “{name}” exist?"),
    ("translated", "Into which languages was “{name}” translated?"),
    ("course fee", "What is the course fee for training on “{name}”?"),
    ("hotline", "What is the hotline number given in “{name}”?"),
)
# (what must stand nowhere, a question about it): of many trades, so that some are strange to any collection.
_THINGS_ZH: Final = (
    ("远洋渔船", "远洋渔船的检验周期是多久？"),
    ("婚假", "婚假可以休几天？"),
    ("阶梯电价", "居民阶梯电价第二档每度多少钱？"),
    ("食堂", "食堂的供餐时间是几点？"),
    ("公积金", "住房公积金的缴存比例是多少？"),
    ("机动车年检", "机动车年检多久做一次？"),
    ("班车", "班车几点发车？"),
    ("无人机", "无人机的最大飞行高度是多少米？"),
    ("商标注册", "商标注册要交多少费用？"),
    ("停车", "停车一小时收费多少元？"),
    ("葡萄酒", "葡萄酒的储存温度是多少度？"),
    ("足球", "足球比赛的上场人数是多少？"),
    ("护照", "护照的有效期是几年？"),
    ("光伏", "光伏组件的衰减率是多少？"),
    ("奖学金", "奖学金的申请截止日期是哪一天？"),
    ("核反应堆", "核反应堆的换料周期是多少个月？"),
)
_THINGS_EN: Final = (
    ("parking", "How much does an hour of parking cost?"),
    ("canteen", "When does the canteen open?"),
    ("shuttle bus", "When does the first shuttle bus leave?"),
    ("passport", "For how many years is a passport valid?"),
    ("drone", "What is the highest permitted altitude of a drone?"),
    ("trademark", "How much does it cost to register a trademark?"),
    ("wine", "At what temperature is wine stored?"),
    ("football", "How many players are on a football team?"),
    ("solar panel", "How long is the warranty of a solar panel?"),
    ("gym", "Who may use the gym on Sundays?"),
    ("fishing vessel", "How often is a fishing vessel inspected?"),
    ("library fine", "How much is the library fine for a lost book?"),
)
_NAMED: Final = re.compile(r"^[\w（）()·、—\- ]{2,20}$")


def propose(passages: Sequence[Passage]) -> Iterator[Proposal]:
    """Unanswerable questions, those about things that do occur first: they are the harder ones."""
    if not passages:
        return
    whole = _whole(passages)
    yield from _properties(passages, whole)
    chinese = sum(each.chinese for each in passages) * 2 >= len(passages)
    for word, question in _THINGS_ZH if chinese else _THINGS_EN:
        if squeeze(word) not in whole:
            yield Proposal(passages[0], question, (), "unanswerable", answerable=False, weight=0.8)


def _properties(passages: Sequence[Passage], whole: str) -> Iterator[Proposal]:
    """Something that nobody wrote about a thing, or about a document, that the collection does know."""
    free = {
        (chinese, thing): [
            question for word, question in words if is_chinese(word) == chinese and squeeze(word) not in whole
        ]
        for chinese in (True, False)
        for thing, words in ((True, _THING), (False, _DOCUMENT))
    }
    names: dict[tuple[str, bool], Passage] = {}
    for passage in passages:
        names.setdefault((passage.document, False), passage)
        if passage.kind == "table" and (row := _thing(passage)):
            names.setdefault((row, True), passage)
    for number, ((name, thing), passage) in enumerate(names.items()):
        questions = free[is_chinese(name), thing]
        if questions:
            question = questions[number % len(questions)].format(name=name)
            yield Proposal(passage, question, (), "unanswerable", answerable=False, weight=1.2)


def _thing(passage: Passage) -> str:
    """The name in the first row of a table."""
    lines = passage.text.split("\n")
    name = lines[1].split(" | ")[0].strip() if len(lines) > 1 else ""
    return name if _NAMED.match(name) and not name.isdigit() else ""


def _whole(passages: Sequence[Passage]) -> str:
    return "\n".join(squeeze(f"{each.document} {' '.join(each.heading_path)} {each.text}") for each in passages)


def absent_in(words: Sequence[str], passages: Sequence[Passage]) -> bool:
    """Whether none of ``words`` stands in any passage, letter by letter."""
    whole = _whole(passages)
    return all(squeeze(word) not in whole for word in words)
