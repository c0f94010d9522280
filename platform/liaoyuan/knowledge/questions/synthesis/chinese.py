"""Questions from Chinese rules: definitions, numbers with units, duties, prohibitions, conditions, lists."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from liaoyuan.knowledge.questions.synthesis.passages import Passage, Proposal
from liaoyuan.knowledge.text.sentences import sentences

_HEAD: Final = re.compile(
    r"^(?:第[〇零一二两三四五六七八九十百千\d]+条(?:之[一二三四五六七八九十])?|[（(][一二三四五六七八九十\d]+[)）]|\d+(?:\.\d+)*(?:[、.．]|(?=\s)))"
    r"[\s\u3000]*(?:[（(【][^）)】]{2,20}[）)】]\s*)?"
)
_REFERS: Final = re.compile(r"前款|前项|本条|本款|上述|前述|该(?=[^等])|其中|同时|此外|但|否则|^其|^并|^以及|^或者")
_DEFINED: Final = re.compile(
    r"^(?:本(?:办法|法|条例|规定|制度|规范|指南|标准|规程)所称的?)?(?P<name>[^，。；：、]{2,22}?)[，,]?是指(?P<what>[^。；]{6,})"
)
_HAN: Final = "一二两三四五六七八九十百千万半"
_UNIT: Final = (
    "个工作日|工作日|个月|小时|分钟|秒钟?|周岁|学分|学时|课时|平方米|立方米|毫克|微克|毫升|千克|公斤|公里|千米|厘米|毫米|摄氏度|千伏|千瓦时|千瓦|兆瓦"
    "|万元|元|日|天|年|周|岁|人|名|次|倍|米|分|份|页|度|%|％|℃|mL|ml|mg|kg|kV|cm|mm|m|L|g"
)
_NUMBER: Final = re.compile(
    rf"(?P<before>不得超过|不超过|不得少于|不少于|不得低于|不低于|不得高于|不高于|不得小于|不小于|不得大于|不大于|至少|最多|最低|最高|达到|超过|少于|低于|高于)?"
    rf"\s*(?<![第\d.])(?P<number>百分之[{_HAN}]+|\d+(?:\.\d+)?(?:\s*(?:至|到|~|～|-|—)\s*\d+(?:\.\d+)?)?|[{_HAN}]+)\s*(?P<unit>(?:{_UNIT})(?!民|类|级|员|工|事|士|才|性))?(?P<after>以内|之内|内|以上|及以上|以下|前|后)?"
)
_TIMES: Final = frozenset(["个工作日", "工作日", "个月", "小时", "分钟", "秒", "秒钟", "日", "天", "年", "周"])
_SAID: Final = {
    "不得超过": "最多", "不超过": "最多", "不得少于": "至少", "不少于": "至少", "不得低于": "至少", "不低于": "至少",
    "不得小于": "至少", "不小于": "至少", "不得大于": "最多", "不大于": "最多", "不得高于": "最高", "不高于": "最高",
}  # fmt: skip
_NOT_A_FACT: Final = re.compile(
    r"\d{4}\s*年|第\s*[〇零一二两三四五六七八九十百千\d]+\s*[条章款项页期]|\d+\s*月\s*\d+\s*日|[〔\[]\d{4}[〕\]]"
)
_FORBIDDEN: Final = re.compile(
    r"^(?P<who>[^，。；：]{0,18}?)(?P<no>不得|禁止|严禁|不准|不允许)(?!超过|少于|低于|高于|大于|小于)(?P<what>[^，。；：]{3,36})"
)
_BY_WHOM: Final = re.compile(
    r"^(?P<before>[^。；]{0,40}?)由(?P<who>[^，。；由]{2,18}?)(?P<does>负责|组织|牵头|审批|审核|批准|制定|签字|签发|排班|保管|书写|主持|决定|责令|任命|监督|统一|指定|处理|办理|给予|出具)"
    r"(?P<what>[^，。；]{0,28})"
)
_IF: Final = re.compile(
    r"^(?P<when>[^。；：]{5,56}?的)，(?P<then>(?:应当|应|必须|须|可以|由|处|给予|予以|依法|按照|责令|视为|不予)[^。；]{4,})"
)
_MODAL: Final = re.compile(r"应当?|必须|须|不得|可以|由|至少")
# 自受理之日起十个工作日内，… says what has to be done in its next clause only.
_GOES_ON: Final = re.compile(r"(?:内|前|后|的|以上|以下)，$")
_BY_THE_WAY: Final = re.compile(r"根据|按照|依照|依据|会同|经|在|对(?!.*进行)")
# 由国务院负责特种设备安全监督管理的部门: the body has a longer name.
_OF_BODY: Final = re.compile(r"的(?:部门|机构|单位|机关|人员)")
_NO_SUBJECT: Final = re.compile(r"是指|处(?!方|理|置|分|罚|于)|并处|可以并处|情节")
_NOT_A_BODY: Final = re.compile(r"[\d每对将在与把从经按]|核准|审核|批准|负责|及时|分别|共同|其")
_PUNISHED: Final = re.compile(r"罚款|警告|处分|处罚|责令|吊销|没收|拘留|追究|开除|记过|撤职|有期徒刑")
_LEAD: Final = re.compile(
    r"(?P<which>下列|以下|如下)(?P<what>[^，。；：]{0,8}?)(?:之一)?(?P<of>的)?(?P<rest>，[^：]*)?[：:]$"
)
_DULL: Final = re.compile(
    r"^(?:总则|附则|目的|范围|适用范围|概述|前言|引言|其他|说明|备注|附件\d*|附录.*|第[^条]{1,6}章.*|第[^条]{1,6}节.*|目录|正文)$"
)
_ITEM: Final = re.compile(r"^[\s（(]*[一二三四五六七八九十\d]+[)）、.．]\s*|^[-•·*●○▪–]\s*")
_LONGEST_LITERAL: Final = 40
_CLAUSE_END: Final = re.compile(r"[，。；：！？]")


def propose(passage: Passage) -> Iterator[Proposal]:
    """Every question that a rule finds in a Chinese passage of prose."""
    parts = sentences(passage.text)
    for index, part in enumerate(parts):
        raw = part.of(passage.text)
        text = _HEAD.sub("", raw.strip())
        if part.lead or raw.rstrip().endswith(("：", ":")):
            yield from _list(passage, text, [each.of(passage.text) for each in parts[index + 1 : index + 8]])
            continue
        if not 8 <= len(text) <= 220:
            continue
        for rule in (_definition, _number, _forbidden, _by_whom, _condition):
            # An entry of a list rarely says who: 具有本科学历，参加工作满一年的。
            if rule is not _number or not part.item or _MODAL.search(text):
                yield from rule(passage, text)
    yield from _heading(passage)


def _definition(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _DEFINED.match(text)
    if match and not _REFERS.search(match["name"]):
        yield Proposal(passage, f"{match['name']}是指什么？", (_clause(match["what"]),), "fact", text, weight=1.4)


def _number(passage: Passage, text: str) -> Iterator[Proposal]:
    """The clause itself with the number asked for in its place: Chinese asks without moving a word."""
    clauses = [each for each in re.split(r"(?<=[，；])", text.rstrip("。；！")) if each]
    for place, clause in enumerate(clauses):
        if _NOT_A_FACT.search(clause) or _NO_SUBJECT.match(clause):
            continue
        found = [match for match in _NUMBER.finditer(clause) if match["unit"] or match["number"].startswith("百分")]
        if len(found) != 1:
            continue
        match = found[0]
        asked = clause[: match.start()] + _asked(match) + clause[match.end() :]
        for following in clauses[place + 1 :] if _GOES_ON.search(asked) else ():
            asked += following
            if not _BY_THE_WAY.match(following):
                break
        question = _with_subject(passage, clauses[:place], asked.strip("，；"))
        literal = match.group().strip()
        if question and literal not in question:
            yield Proposal(passage, f"{_spoken(question)}？", (literal,), "number", text, weight=1.5)


def _asked(match: "re.Match[str]") -> str:
    before, unit, after = match["before"] or "", match["unit"] or "", match["after"] or ""
    before = _SAID.get(before, before)
    if unit in _TIMES and after in {"内", "以内", "之内"}:
        return f"{before}多长时间内"
    if unit in _TIMES:
        return f"{before}多久{after}" if unit in {"年", "个月"} else f"{before}多少{unit}{after}"
    if unit in {"%", "％"} or match["number"].startswith("百分"):
        return f"{before}百分之多少{after}"
    return f"{before}多少{unit}{after}"


def _with_subject(passage: Passage, before: Sequence[str], asked: str) -> str:
    """A clause that begins with its verb takes along what stands before it, or the heading."""
    text = asked
    for earlier in reversed(before):
        if len(text) >= 12 and not re.match(r"应当|应|必须|须|可以|并|且|在|不|至少|最多|每|按|经|由|或", text):
            break
        text = earlier + text
    if re.match(r"应当|应|必须|须|可以|并|且|不|至少|最多|每", text):
        text = f"{_topic(passage)}{text}" if _topic(passage) else ""
    return text if len(text) <= 90 and not _REFERS.search(text) else ""


def _topic(passage: Passage) -> str:
    name = passage.heading_path[-1] if passage.heading_path else ""
    name = _HEAD.sub("", re.sub(r"^第[^章节]{1,6}[章节]\s*", "", name)).strip()
    return name if 2 <= len(name) <= 16 and not _DULL.match(name) else ""


def _spoken(text: str) -> str:
    """People ask in other words than rules are written in."""
    for written, said in (("应当", "要"), ("须在", "要在"), ("予以", "给予"), ("及时", "")):
        text = text.replace(written, said)
    return re.sub(r"(?<!双)方可(?!以)", "才可以", text)


def _forbidden(passage: Passage, text: str) -> Iterator[Proposal]:
    for clause in re.split(r"[；。]", text):
        match = _FORBIDDEN.match(clause)
        if not match or _REFERS.search(clause):
            continue
        who = re.sub(r"^(?:任何|各|所有|全体|一律)", "", match["who"]) or _topic(passage)
        if who and not who.endswith(("，", "的时候", "保护", "管理", "监督", "职责", "规定", "要求", "措施", "责任")):
            literal = (match["no"] + match["what"]).rstrip("、")
            yield Proposal(passage, f"{who}可以{match['what'].rstrip('、')}吗？", (literal,), "fact", text, weight=1.1)


def _by_whom(passage: Passage, text: str) -> Iterator[Proposal]:
    for clause in re.split(r"[；。]", text):
        match = _BY_WHOM.match(clause)
        if not match or _REFERS.search(clause) or _NOT_A_BODY.search(match["who"]):
            continue
        if match["does"] == "负责" and _OF_BODY.search(match["what"]):
            continue
        if len(match["before"]) + len(match["what"]) < 5:
            continue
        asked = f"{match['before']}由谁{match['does']}{match['what']}".strip("，")
        yield Proposal(passage, f"{asked}？", (match["who"],), "fact", text, weight=1.2)


def _condition(passage: Passage, text: str) -> Iterator[Proposal]:
    match = _IF.match(text)
    if not match or _REFERS.search(match["when"]):
        return
    when = re.sub(r"^违反[^，]{2,30}规定，", "", match["when"])
    literal = _clause(match["then"])
    if len(when) < 5 or len(literal) < 5:
        return
    asks = "会受到什么处罚" if _PUNISHED.search(match["then"]) else "应当怎么处理"
    yield Proposal(passage, f"{when.removesuffix('的')}，{asks}？", (literal,), "scenario", text, weight=1.2)


def _list(passage: Passage, lead: str, following: Sequence[str]) -> Iterator[Proposal]:
    items = []
    for each in following:
        if not _ITEM.match(each.strip()):
            break
        items.append(_ITEM.sub("", each.strip()).rstrip("；。;，"))
    match = _LEAD.search(lead)
    if len(items) < 2 or not match or _REFERS.search(lead):
        return
    what = match["what"] or "内容"
    rest = (match["rest"] or "").strip("，")
    head = lead[: match.start()]
    question = f"{head}哪些{what}{'的' if match['of'] and not rest else ''}"
    question = (
        f"哪些{what}下，{rest}"
        if rest and head.strip("，") in {"有", ""}
        else f"{question}{'，' if rest else ''}{rest}"
    )
    question = question.replace("原因之一", "原因").replace("情形之一", "情形")
    literals = tuple(_clause(item) for item in items[:3])
    yield Proposal(passage, f"{_spoken(question)}？", literals, "list", lead, weight=1.3)


def _heading(passage: Passage) -> Iterator[Proposal]:
    topic = _topic(passage)
    first = next((part.of(passage.text) for part in sentences(passage.text) if not part.lead), "")
    literal = _clause(_HEAD.sub("", first))
    if passage.kind == "table" or passage.locator.startswith("第") or not first.rstrip("”）").endswith(("。", "；")):
        return
    if len(topic) >= 4 and len(literal) >= 8:
        question = f"关于“{topic}”，《{passage.document}》是怎么规定的？"
        yield Proposal(passage, question, (literal,), "fact", first, weight=0.6, named=(topic,))


def _clause(text: str) -> str:
    """The first clause, long enough to tell: what an answer must say word for word."""
    end = next((match.start() for match in _CLAUSE_END.finditer(text) if match.start() >= 5), len(text))
    if end > _LONGEST_LITERAL:
        mark = text.rfind("、", _LONGEST_LITERAL // 2, _LONGEST_LITERAL)
        end = mark if mark > 0 else _LONGEST_LITERAL
    return text[:end].strip()
