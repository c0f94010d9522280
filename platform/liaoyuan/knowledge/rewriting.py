"""A follow-up question made to stand alone: what it leaves out is taken from the turn before, and nothing else is.

The rules read Chinese and English: pronouns (它, 该法, it), ellipsis (那护士呢, what about nurses), and questions about
nothing of their own (多久？). A question that names its own subject stays word for word as it was asked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from liaoyuan.knowledge.question import Kind, Question, analyse
from liaoyuan.knowledge.text.facts import quantities, quantity_texts
from liaoyuan.knowledge.text.normalise import is_chinese, normalise, squeeze
from liaoyuan.knowledge.text.segment import stem, words

LONGEST_REWRITE = 400
# Topics older than this have been left behind.
TURNS_READ = 4

Writer = Callable[[Sequence["Turn"], str], str]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question of the conversation as it stood alone, and what was answered (may be empty)."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """``text`` is what to search for. ``by`` is empty where the question stands alone, else ``rules`` or ``model``."""

    text: str
    by: Literal["", "rules", "model"] = ""

    @property
    def changed(self) -> bool:
        return bool(self.by)


_OPENER = re.compile(r"^(?:那么|那|然后|另外|还有|再问一下|请问|好的|嗯|ok|and|so|then)[，,\s]*", re.IGNORECASE)
_WHAT_ABOUT = re.compile(
    r"^(?:(?:那么|那|如果是|要是|换成|换做|假如是)?(?P<zh>.{1,24}?)呢[?？。！!\s]*"
    r"|(?:and |so )?(?:what|how) about (?P<en>.{1,80}?)[?.!\s]*"
    r"|(?:那么|那)?(?:换成|换做|改成)(?P<change>.{1,24}?)[?？。\s]*)$",
    re.IGNORECASE,
)
# A pronoun that stands for what was spoken of; 该 only before a noun that it determines, 其 not in 其他 and 其中.
_NOUNS = (
    "证书|规定|要求|制度|条例|办法|法律|情况|情形|行为|标准|期限|时间|流程|程序|步骤|药品|药物|药|设备|器械|系统|产品|机构|单位|部门|人员"
    "|病人|患者|学生|证|票|法|项目|项|费用|线路|记录|资料|数据|操作|工作|方法|措施|问题|人"
)
_PRONOUN_ZH = re.compile(
    rf"它们?的?|(?:这|那)(?:个|种|类|条|项|部|件|份|次|段|些)?(?:{_NOUNS})的?|(?:上述|前述|前面说的|刚才说的|刚才那个?)(?:{_NOUNS})?"
    rf"|此(?:类|种|项|法|条)(?:{_NOUNS})?|该(?:{_NOUNS})的?|(?<!其)他们?的?|她们?的?|(?<![极尤与])其(?!他|它|中|实|次|余|间)"
    r"|(?:这|那)(?:样做?|个|种|些)"
)
_PRONOUN_EN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|she|his|her|him|this|that|these|those|there|the same)\b", re.IGNORECASE
)
# "that" that opens a clause, "it" that stands for nothing.
_NO_PRONOUN_EN = re.compile(
    r"\b(?:is|was) it (?:possible|necessary|true|allowed|required|permitted)\b"
    r"|\b(?:ensure|say|state|require|mean)s? that\b"
    r"|\bthere (?:is|are|was|were|be)\b|\b(?:is|are) there\b|\bthose (?:who|that|which)\b",
    re.IGNORECASE,
)
_ARTICLE_EN = re.compile(r"^(?:the|a|an|for|in|of|if|with|on)\s+", re.IGNORECASE)
_TAIL_ZH = re.compile(r"(?:的话|的情况|的时候|的情形)$")
_ASKING = re.compile(
    r"(?:是|为|有|要|应|需要|应当|应该|可以|能|得|由|多|最多|最少|至少|不得|必须|会|请问)*"
    r"(?:多少|多久|多长|多大|多高|多重|几|谁|哪|什么|怎么|怎样|如何|为什么|为何|是否|能否|可否|能不能|可不可以|要不要|是不是|有没有|吗)"
)


def standalone(question: str, turns: Sequence[Turn], writer: Writer | None = None) -> Rewritten:
    """``question`` as it can be searched for without the conversation.

    ``writer`` (the chat model) may word it; what it writes stands only if every word and number of it comes from the
    conversation. A question that needs nothing from before is given back as it was.
    """
    text = question.strip()
    if not turns or not text or not needs_context(text):
        return Rewritten(text)
    if writer is not None:
        written = _clean(writer(turns[-TURNS_READ:], text))
        if written and faithful(written, text, turns):
            return Rewritten(written, "model")
    found = _by_rules(text, turns[-1])
    return Rewritten(found[:LONGEST_REWRITE], "rules") if squeeze(found) != squeeze(text) else Rewritten(text)


def needs_context(question: str) -> bool:
    """Whether ``question`` points back: by a pronoun, by "what about", or because it has no subject of its own."""
    text = _OPENER.sub("", question.strip())
    if _WHAT_ABOUT.match(question.strip()):
        return True
    analysed = analyse(text)
    if _pronoun(text) is not None:
        return not _names_itself(text)
    return _lacks_subject(text, analysed)


def faithful(written: str, question: str, turns: Sequence[Turn]) -> bool:
    """Whether a model's wording holds nothing that is not in the conversation: no new word, no new number."""
    said = "\n".join([question, *(f"{turn.question}\n{turn.answer}" for turn in turns)])
    if len(written) > LONGEST_REWRITE or is_chinese(written) != is_chinese(question):
        return False
    if set(quantities(written)) - set(quantities(said)):
        return False
    folded, known = normalise(said), set(words(said))
    new = [word for word in words(written) if word not in known and word not in folded]
    kept = analyse(question)
    lost = [word for word in kept.words if word not in normalise(written) and word not in words(written)]
    return not [word for word in new if word not in _HELPERS] and not [word for word in lost if not _pointing(word)]


_ASKING_WORDS = "什么 多少 多久 是否 如何 怎么 哪些 规定 要求 关于 情况 需要 可以 应当"
_HELPERS = frozenset(_ASKING_WORDS.split())


def _pointing(word: str) -> bool:
    return bool(_PRONOUN_ZH.fullmatch(word) or _PRONOUN_EN.fullmatch(word))


def _pronoun(text: str) -> re.Match[str] | None:
    if is_chinese(text):
        return _PRONOUN_ZH.search(text)
    idle = _NO_PRONOUN_EN.search(text)
    found = _PRONOUN_EN.search(text)
    return None if found and idle and idle.start() <= found.start() < idle.end() else found


def _names_itself(text: str) -> bool:
    """A pronoun behind its own noun in the same question (医院… 其…): the subject stands before it."""
    found = _pronoun(text)
    before = text[: found.start()] if found else ""
    return len(analyse(before).words) >= 2 if before else False


def _lacks_subject(text: str, question: Question) -> bool:
    """多久？ 由谁批准？ "How long?": at most one content word and it names nothing that could be looked up alone."""
    bare = [word for word in question.words if not any(unit.value in word for unit in question.numbers)]
    if question.names:
        return False
    if is_chinese(text):
        subject = [word for word in bare if word not in _VERBS]
        return len(squeeze(text)) <= 12 and not subject
    subject = [word for word in bare if word not in _VERBS_EN]
    return len(text.split()) <= 6 and not subject


_GENERAL = """
延期 继续 使用 取消 更改 开始 结束 到期 转让 特殊 适用 补办 可以 委托 代办 同意 允许 禁止 签字 盖章 公开 收回 提前 推迟
中断 批准 审批 处罚 罚款 负责 保存 保管 办理 申请 报告 上报 执行 处理 期限 时限 时间 多久 条件 流程 程序 步骤 材料 手续
费用 标准 要求 例外 豁免 后果 原因 依据 超过 逾期 违反 违法 重新 延长 续期 注销 撤销 撤回 变更 通知 公示 公布 备案 登记
有效期 有效 规定 哪里 部门 机构 单位 主管 主管部门 主体 责任 义务 权利 收费 剂量 频率 次数 间隔 温度 浓度
"""
_GENERAL_EN = """
long often approve approval pay fine report store keep responsible responsibility exception apply application require
requirement happen allow allowed need deadline limit time cost penalty reason document step procedure dose
"""
# Words that any rule may use: alone they name nothing that could be looked up.
_VERBS = frozenset(_GENERAL.split())
_VERBS_EN = frozenset(stem(word) for word in _GENERAL_EN.split())


def _by_rules(text: str, turn: Turn) -> str:
    about = _WHAT_ABOUT.match(text)
    if about:
        return _exchange(next(part for part in about.groups() if part), turn, whole=bool(_SUPPOSED.match(text)))
    body = _OPENER.sub("", text)
    topic = topic_of(turn.question)
    if not topic:
        return text
    if not is_chinese(body):
        # An English pronoun has a form for each case: what it means is told beside the question, not put into it.
        return f"{_question_mark(body)} ({topic})?"
    found = _pronoun(body)
    if found is None:
        return topic + body
    return body[: found.start()] + _named(topic, found.group(), turn) + body[found.end() :]


_SUPPOSED = re.compile(r"^(?:那么|那)?(?:如果|要是|假如)")


def _named(topic: str, pronoun: str, turn: Turn) -> str:
    """The topic in the pronoun's place, as a person where a person is meant."""
    if pronoun[0] in "他她":
        acting = _MODAL_ZH.split(topic)[0]
        topic = acting if len(analyse(acting).words) else topic
        topic += "的人" if analyse(turn.question).kind is Kind.WHO and not topic.endswith("人") else ""
    return topic + ("的" if pronoun.endswith("的") or pronoun == "其" else "")


_MODAL_ZH = re.compile(r"应当|应该|可以|必须|需要|不得|能够|负有|享有|有权|(?<=人)(?:应|须|要|可)")


def _question_mark(text: str) -> str:
    return text.rstrip("?？ .")


def topic_of(question: str) -> str:
    """What a question is about: its words up to where the asking begins, without the asking itself."""
    text = _OPENER.sub("", question.strip()).rstrip("?？。!！ ")
    if not is_chinese(text):
        return _topic_en(text)
    asking = next((found for found in _ASKING.finditer(text) if found.group()), None)
    if asking is None:
        return text
    before, after = text[: asking.start()], text[asking.end() :]
    if len(analyse(before).words):
        return before.rstrip("，, 的得由能应要在")
    return after.lstrip("样个些种类部条人天年月日时候间可以能").rstrip("吗呢")


_ASKING_EN = re.compile(
    r"^(?:(?:what|which|who|whom|when|where|why|how)(?:'s)?(?: (?:many|much|long|often|soon|far|high|old))?"
    r"|is|are|can|may|must|should|do|does|did|will|has|have|shall|could|would)\b"
    r"(?:\s+(?:is|are|was|were|do|does|did|can|may|must|should|will|has|have|be|i|we|you|one))*\s*",
    re.IGNORECASE,
)


def _topic_en(text: str) -> str:
    rest = _ASKING_EN.sub("", text).strip()
    return _ARTICLE_EN.sub("", rest)


def _exchange(new: str, turn: Turn, *, whole: bool) -> str:
    """那护士呢: the last question again, with its nearest thing of the same kind exchanged for the new one."""
    new = _OPENER.sub("", _TAIL_ZH.sub("", new.strip()))
    last = turn.question.strip()
    # 如果是儿童呢 adds a condition; 那医师呢 puts one thing in the place of another.
    old = "" if whole else _counterpart(new, last)
    if old and old in last:
        place = last.find(old)
        return last[:place] + new + last[place + len(old) :]
    if is_chinese(last):
        return f"{new}，{last}"
    return f"{_question_mark(last)} ({new})?"


def _counterpart(new: str, last: str) -> str:
    """The part of ``last`` that ``new`` replaces: a number for a number, else the words before the shared ending
    (执业医师 for 执业护士), else the subject with which the question opens."""
    mine, theirs = quantity_texts(new), quantity_texts(last)
    if mine and theirs and len(mine[0]) >= len(squeeze(new)) - 2:
        return theirs[0]
    if not is_chinese(last):
        return _counterpart_en(new, last)
    parts = sorted({word for word in words(last) if len(word) > 1 and word in last}, key=last.find)
    inside = [word for word in parts if new.endswith(word) and word != new]
    alike = [word for word in parts if word not in new and (word[-1] == new[-1] or word[0] == new[0])]
    if inside or alike:
        return max(inside or alike, key=len)
    opening = [word for word in parts if last.find(word) <= 2 and analyse(word).words and word not in new]
    return max(opening, key=len, default="")


def _counterpart_en(new: str, last: str) -> str:
    head = stem(new.split()[-1].lower())
    for phrase in re.findall(r"\b(?:the |an? )?((?:[a-zA-Z-]+ ){0,2}[a-zA-Z-]+)", last):
        if stem(phrase.split()[-1].lower()) == head and normalise(phrase) != normalise(new):
            return str(phrase)
    found = _OBJECT_EN.search(last) or _SUBJECT_EN.search(last)
    return str(found.group(1)) if found else ""


_OBJECT_EN = re.compile(r"\b(?:of|for) ((?:(?!of\b|for\b)[\w-]+ ?){1,4}?)[?.!\s]*$", re.IGNORECASE)
_SUBJECT_EN = re.compile(
    r"\b(?:must|should|can|may|do|does|will|shall) ((?:the |an? )?[a-z-]+(?: [a-z-]+)??) (?=[a-z]+)", re.IGNORECASE
)


_LABEL = re.compile(r"^(?:问题|独立问题|question|standalone question)\s*[：:]\s*", re.IGNORECASE)


def _clean(written: str) -> str:
    line = next((line.strip() for line in written.splitlines() if line.strip()), "")
    return re.sub(r"^(?:问题|独立问题|question|standalone question)\s*[：:]\s*", "", line, flags=re.IGNORECASE).strip(
        '"“”「」'
    )
