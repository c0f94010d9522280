"""Chinese personal names: surname and given-name statistics weighed against the words around them.

There is no list of all names, so this is a score, not a proof: recall is measured (see the benchmarks), not promised.
"""

import re
from collections.abc import Iterator

from liaoyuan.security.pii import vocabulary
from liaoyuan.security.pii.spans import Finding, Label

ROLES = (
    "车主|持有人|持证人|经办|复核|处理人|值守人|报警人|检查人|填报人|受理人|业主|租客|房东|"
    "患者|病人|病员|患儿|产妇|家属|家长|亲属|监护人|联系人|学生|同学|学员|考生|新生|毕业生|班主任|班长|老师|"
    "教师|导师|辅导员|讲师|教授|院长|"
    "校长|主任|医师|医生|大夫|护士长?|药师|技师|值班员|值长|工作负责人|工作票签发人|签发人|许可人|工作许可人|"
    "工作班成员|成员|操作人|监护员|"
    "专责监护人|调度员|调控员|运维人员|检修人员|巡检员|当事人|申请人|报告人|报修人|投诉人|举报人|收件人|寄件人|"
    "发件人|收货人|户主|户名|"
    "用户|客户|业主|司机|驾驶员|乘客|法定代表人|法人代表|法人|负责人|经办人|委托人|代理人|被告人?|原告|嫌疑人|"
    "证人|姓名|名字|本人|"
    "签名|签字|审核人?|批准人?|记录人?|制表人?|复核人?|验收人|主治|主诊|作者|员工|职工|同事|经理|工程师|师傅|"
    "先生|女士|会计|出纳|店长|"
    "参赛者|获奖者|捐赠人|领取人|持卡人|开户人|参保人|投保人|被保险人|受益人|紧急联系人|配偶|父亲|母亲|爸爸|"
    "妈妈|丈夫|妻子|儿子|女儿|"
    "哥哥|弟弟|姐姐|妹妹|爷爷|奶奶"
)
VERBS = (
    "的|我是|我叫|名叫|叫做|叫|通知|联系|找|由|请|告知|转告|转交|交给|发给|寄给|致电|询问|陪同|带|经|系|陪护|"
    "接诊|会同|代|给|与|和|及|跟|、|为"
)
HONORIFICS = (
    "老师|先生|女士|同学|同志|医师|医生|大夫|护士|主任|教授|院长|校长|书记|经理|总监|师傅|工程师|班长|值长|"
    "站长|所长|处长|科长|局长|部长|主管|"
    "队长|组长|阿姨|叔叔|小姐|博士|律师|法官|警官|院士|导师|辅导员|药师|技师|调度员"
)
ROLE_BEFORE = re.compile(rf"(?:{ROLES})(?:姓名|名字)?\s*(?:[:：是为叫]|[(（]|\s)?\s*$")
VERB_BEFORE = re.compile(rf"(?:{VERBS})\s*$")
HONORIFIC_AFTER = re.compile(rf"\s*(?:{HONORIFICS})")
FACT_AFTER = re.compile(
    r"\s*[,，(（、]?\s*(?:男|女)[,，。、)）;；\s]|\s*[(（][^()（）]{0,6}(?:\d|户号|学号|身份证|工号|电话)|\s*[,"
    r"，]?\s*(?:身份证|学号|工号|手机|"
    r"电话|联系电话|住院号|病案号|户号)"
)
LIST_AFTER = re.compile(r"\s*(?:[,，。.;；:：!！?？、)）」』”》\]】/|]|$|\s)")
PARTICLE_AFTER = re.compile(
    "[一二两三四五六七八九十]位|等人|[的在于已将和与诉说称是被到为有因等向对从把给同也请未要想曾现住来去就应需不并(（]|处理|反映|报名|因|自述|"
    "表示|本人|今日|昨日|今天|昨天|目前|"
    "签发|签名|签字|申请|担任|负责|提交|完成|参加|办理|入院|出院|就诊|复诊|主诉|确认|致电|来电|投诉|汇报|接到|"
    "同意|审核|批准|记录|查房|当班|值班|电话|持|凭|手机|于"
)
HAN = re.compile(r"[\u4e00-\u9fff]")
THRESHOLD = 2.6
CUED = 1.0  # a candidate right behind a role needs this much less


def person_findings(text: str) -> Iterator[Finding]:
    """Candidate names in the plain form `text`, best reading at each place; overlaps are settled by the caller."""
    surnames = vocabulary.surnames()
    if HAN.search(text) is None:
        return
    for start in range(len(text) - 1):
        best = max(
            (
                _reading(text, start, start + width, end)
                for width in (2, 1)
                if text[start : start + width] in surnames
                for end in (start + width + 1, start + width + 2)
                if end <= len(text)
            ),
            default=(0.0, 0),
        )
        if best[0] >= THRESHOLD:
            yield Finding(start, best[1], Label.PERSON, min(0.93, 0.7 + best[0] / 40))


def _reading(text: str, start: int, given: int, end: int) -> tuple[float, int]:
    """Score and end of reading text[start:end] as a name whose given part begins at `given`."""
    characters = text[given:end]
    if any(not HAN.match(letter) for letter in characters):
        return 0.0, end
    fit = [vocabulary.fit(letter) for letter in characters]
    before, after = _before(text, start), _after(text, end)
    score = vocabulary.surnames()[text[start:given]] + sum(fit) / len(fit) + 0.25 * (len(fit) - 1) + before + after
    return score - _ordinary(text, start, end, cued=before > CUED or after > CUED), end


def _before(text: str, start: int) -> float:
    context = text[max(0, start - 10) : start]
    if ROLE_BEFORE.search(context):
        return 2.2
    if VERB_BEFORE.search(context):
        return 0.6
    return 0.5 if not context or not HAN.match(context[-1]) else -0.6


def _after(text: str, end: int) -> float:
    context = text[end : end + 12]
    if HONORIFIC_AFTER.match(context) or FACT_AFTER.match(context):
        return 1.8
    if LIST_AFTER.match(context):
        return 0.6
    return 0.3 if PARTICLE_AFTER.match(context) else -0.9


def _ordinary(text: str, start: int, end: int, *, cued: bool) -> float:
    """Penalty for readings that tear ordinary words apart or are one."""
    name = text[start:end]
    penalty = 0.0
    if vocabulary.is_word(name) or text[start : end + 1] in vocabulary.never_names():
        penalty += 2.2 if cued and name not in vocabulary.never_names() else 4.0
    if len(name) == 3 and vocabulary.is_word(name[:2]):
        penalty += 3.0 if name[:2] in vocabulary.never_names() and not cued else 0.9
    if len(name) == 3 and vocabulary.is_word(name[1:]):
        penalty += 0.3 if cued else 0.8
    if end < len(text) and vocabulary.is_word(text[end - 1 : end + 1]):
        penalty += 0.8 if cued else 1.6
    if start and vocabulary.is_word(text[start - 1 : start + 1]):
        penalty += 0.0 if cued else 1.8
    if start and any(vocabulary.is_word(text[start - back : start + 2]) for back in (1, 2) if start >= back):
        penalty += 2.0
    return penalty
