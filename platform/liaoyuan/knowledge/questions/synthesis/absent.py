"""Questions that the collection cannot answer: about things and properties of which no chunk says a word.

Absence is not assumed but checked: letter by letter against every passage in force, and once more by searching for the
question: where what is found speaks of the thing and says the asked property in other words, the question is dropped.
Whether the platform would answer is not looked at, since that is what such a question is to measure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
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
# The same property in other words: where a passage about the thing says one of these, it may hold the answer.
_OTHERWISE: Final = {
    "采购价格": "价格|单价|售价|购置|采购|费用",
    "生产厂家": "厂家|厂商|生产企业|制造|生产单位",
    "保修期": "保修|质保|维修期",
    "市场占有率": "占有率|份额",
    "碳排放": "排放",
    "发明人": "发明|首创|提出者",
    "purchase price": "price|cost|paid|\\$|€",
    "manufacturer": "manufactur|made by|supplier|vendor|produced by",
    "warranty": "warrant|guarantee",
    "market share": "share|% of (?:the )?market",
    "carbon footprint": "carbon|emission|co2",
    "起草人": "起草|编写|撰写|作者|编制",
    "征求意见": "意见",
    "印刷": "印刷|印数|册",
    "培训费": "培训",
    "投诉电话": "投诉|举报|电话|热线",
    "drafted": "draft|author|written by|prepared by|by:",
    "printed copies": "copies|print",
    "translated": "translat|language",
    "course fee": "fee|course|tuition",
    "hotline": "hotline|phone|telephone|call|tel",
}
_NAMED: Final = re.compile(r"^[\w（）()·、—\- ]{2,20}$")


_OF_DOCUMENTS: Final = frozenset(word for word, _ in _DOCUMENT)
_DEFINED: Final = re.compile(
    r"(?:^|[\s，。；、])(?:所称的?)?(?P<name>[\u4e00-\u9fff]{2,10}(?:设备|装置|设施|器械|药品|制品|产品|系统|工具))[，,]?是指"
)


def propose(passages: Sequence[Passage]) -> Iterator[Proposal]:
    """Unanswerable questions, those about things that do occur first: they are the harder ones."""
    if not passages:
        return
    whole = _whole(passages)
    yield from _properties(passages, whole)
    chinese = sum(each.chinese for each in passages) * 2 >= len(passages)
    for word, question in _THINGS_ZH if chinese else _THINGS_EN:
        if squeeze(word) not in whole:
            yield Proposal(passages[0], question, (), "unanswerable", answerable=False, weight=0.8, form=word)


def _properties(passages: Sequence[Passage], whole: str) -> Iterator[Proposal]:
    """Something that nobody wrote about a thing, or about a document, that the collection does know."""
    free = {
        (chinese, thing): [
            (word, asked) for word, asked in words if is_chinese(word) == chinese and squeeze(word) not in whole
        ]
        for chinese in (True, False)
        for thing, words in ((True, _THING), (False, _DOCUMENT))
    }
    known: dict[tuple[str, bool], Passage] = {}
    for passage in passages:
        known.setdefault((passage.document, False), passage)
        for name in _things(passage):
            known.setdefault((name, True), passage)
    for number, ((name, thing), passage) in enumerate(known.items()):
        words = free[is_chinese(name), thing]
        if words:
            word, asked = words[number % len(words)]
            question = asked.format(name=name)
            yield Proposal(
                passage, question, (), "unanswerable", answerable=False, weight=1.2, named=(name,), form=word
            )


def answered_by(proposal: Proposal, texts: Iterable[str]) -> bool:
    """Whether one of the ``texts`` that a search for the question found may hold its answer after all."""
    otherwise = re.compile(_OTHERWISE.get(proposal.form, re.escape(proposal.form)), re.IGNORECASE)
    thing = "" if proposal.form in _OF_DOCUMENTS else squeeze("".join(proposal.named))
    return any(thing in squeeze(text) and otherwise.search(text) for text in texts)


def _things(passage: Passage) -> Iterator[str]:
    """What has a property: the thing in the first row of a table, and what a rule defines."""
    if passage.kind == "table":
        lines = passage.text.split("\n")
        name = lines[1].split(" | ")[0].strip() if len(lines) > 1 else ""
        # What has numbers beside it is a thing that is measured or bought, not a word that is explained.
        measured = any(cell.strip()[:1].isdigit() for cell in lines[1].split(" | ")[1:]) if len(lines) > 1 else False
        if _NAMED.match(name) and not name.isdigit() and (measured or is_chinese(name)):
            yield name
    elif defined := _DEFINED.search(passage.text):
        yield defined["name"]


def _whole(passages: Sequence[Passage]) -> str:
    return "\n".join(squeeze(f"{each.document} {' '.join(each.heading_path)} {each.text}") for each in passages)


def absent_in(words: Sequence[str], passages: Sequence[Passage]) -> bool:
    """Whether none of ``words`` stands in any passage, letter by letter."""
    whole = _whole(passages)
    return all(squeeze(word) not in whole for word in words)
