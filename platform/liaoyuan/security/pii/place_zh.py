"""Chinese addresses and organizations: recognised from their last part, read back to where they must begin."""

import re
from collections.abc import Iterator

from liaoyuan.security.pii import vocabulary
from liaoyuan.security.pii.spans import Finding, Label

PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|"
    "四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
H = r"[\u4e00-\u9fff]"
NUMBER = r"[0-9A-Za-z一二三四五六七八九十甲乙丙丁\-]{1,6}"
REGION = (
    rf"(?:(?:{PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?)?(?:{H}{{2,6}}?(?:市|自治州|州|盟|"
    rf"地区))?(?:{H}{{1,6}}?(?:区|"
    rf"县|旗|市))?(?:{H}{{1,6}}?(?:街道|镇|乡))?"
)
ROAD = rf"{H}{{1,8}}?(?:大道|大街|路|街|巷|弄|胡同|里弄|道|环路)(?:[东南西北中]段)?"
PLACE = rf"{H}{{2,10}}?(?:小区|花园|新村|公寓|家园|苑|大厦|广场|村|社区|宿舍|城|府|庄园|组)"
DETAIL = rf"(?:\s?{NUMBER}(?:号院|号楼|号|栋|幢|座|楼|单元|层|室|组|弄|房|户|门))"
ADDRESS = re.compile(
    rf"(?:{REGION})(?:(?:{ROAD})(?:{DETAIL})+(?:{PLACE})?|(?:{PLACE})(?:{DETAIL})+)(?:{DETAIL})*(?:\s?\d{{3,4}}(?!\d))?"
)
ADDRESS_CUE = re.compile(
    r"(?:家庭住址|通讯地址|联系地址|居住地址|用电地址|收货地址|户籍地址|户籍所在地|现住址|住址|地址|住所|家住|"
    r"现住|居住于|居住在|住在|住于|位于|寄至|寄到|寄往|送至|送到|搬到|搬至|前往|"
    r"籍贯|住|在|到)\s*[:：是为]?\s*"
)
# With its name in front, a region and a road or village are an address even without a number.
NAMED_ADDRESS = re.compile(
    r"(?:家庭住址|通讯地址|联系地址|居住地址|用电地址|收货地址|户籍地址|现住址|住址|地址|"
    rf"家住)\s*[:：是为]?\s*((?:{PROVINCES})?{H}{{2,20}}?(?:{ROAD}|"
    rf"{PLACE})(?:{DETAIL})*)(?!{H})"
)
VILLAGE = re.compile(
    rf"(?:{PROVINCES})(?:省|自治区|市){H}{{1,6}}?(?:市|区|县|州|盟|旗){H}{{1,12}}?(?:镇|乡|街道|村|小区|花园|"
    rf"路|街)(?:{DETAIL})*"
)

ORG_SUFFIX = (
    "有限责任公司|股份有限公司|有限公司|集团公司|分公司|子公司|供电公司|电力公司|公司|集团|社区卫生服务中心|"
    "卫生服务中心|妇幼保健院|保健院|卫生院|"
    "卫生室|疗养院|医院|门诊部|诊所|药房连锁|大药房|药房|药店|附属中学|附属小学|职业技术学院|职业学院|技术学院|"
    "学院|大学|中学|小学|高中|初中|"
    "幼儿园|党校|技校|学校|试验研究院|研究院|研究所|设计院|科学院|供电局|供电所|供电站|电业局|变电运维站|"
    "运维站|运维班|电厂|发电厂|热电厂|水电站|"
    "教育局|公安局|派出所|卫健委|疾控中心|服务中心|培训中心|检测中心|中心|银行|支行|分行|事务所|合作社|基金会|"
    "协会|商会|出版社|工厂|酒店|宾馆"
)
SUFFIX = re.compile(ORG_SUFFIX)
LEFT_STOP = re.compile(
    r"供应商|承包商|承办方|厂家|生产商|经销商|委托方|合作方|业主|"
    r"哪家|哪个|哪些|哪一家|一家|这家|这些|那些|几家|一间|一趟|一次|建议|复诊|您好|你好|最好|正规|权威|著名|"
    r"前段时间|最近|三甲|二甲|是指|设置|领导|指导|完善|建设|"
    r"[是由在于到至向从与及的了被给请经为将把让往和称去对跟或并按以使用据即凡各每该本某此两贵我你他她它有无等者由]|"
    r"患者|病人|学生|联系人|转诊单|就职|工作单位|单位|毕业|来自|前往|送往|转往|转入|转至|入职|任职|供职|委托|"
    r"通知|联系|根据|依照|申请|组织|建立|"
    r"设立|国家|县级|市级|省级|以上|地方|开户行|开户|签约|甲方|乙方|投诉|举报|属于|隶属|所属|就读|考入|录取|"
    r"入院|出院|上午|下午|昨日|今日|"
    r"今天|昨天|老师|医生|医师|教师|同学|先生|女士|负责人|现任|担任|曾任|发放|发票抬头|抬头|户名|名称|客户|"
    r"用户|公众|国务院"
)
GENERIC = re.compile(
    r"(?:高等|民办|公办|普通|中等|职业|全日制|成人|专科|综合|定点|三级|二级|一级|甲等|大型|中型|小型|乡镇|农村|"
    r"城市|基层|医疗|卫生|教育|培训|电力|供电|"
    r"发电|售电|输电|配电|供电|电网|商业|政策|非营利性|营利性|社会|公共|有限|股份|责任|科研|义务|初级|高级|"
    r"特殊|寄宿|寄宿制|专门|开放|独立|"
    r"急救|急诊|数据|信息|服务|管理|调度|控制|监控|客户|指挥|应急|活动|学习|物流|重心|传媒|购物|血液|采血|全国|"
    r"国有|国营|外资|合资|上市|子|母|总|分|"
    r"人民|技工|技师|师范|专科|进修|宗教|军事|薄弱|重点|非重点|民族|职工|医学|护理|行业|药品|地区|区域|境内|"
    r"境外|非|村|乡|镇|县|省|市|区|级|类|各|自备|小|大|中|同层次|同类|相应|"
    r"学分|首届|章程|现代|传染病|就近|当地|附近|多家|一家|几家|所有|其他|有关|相关|上级|下级|同级|专业|技术|"
    r"能源|保险|投资|融资|担保|证券|信托|基金)*$"
)
# Kinds that laws and handbooks name in general; before them a verb shows that no proper name stands there.
WEAK_KIND = re.compile(
    r"(?:学校|中心|协会|集团|银行|小学|中学|高中|初中|学院|大学|幼儿园|电厂|水电站|卫生院|卫生室|诊所|药店|"
    r"药房|医院|公司|事务所|工厂|酒店|合作社|基金会|商会)$"
)
KIND_OF_ILLNESS = re.compile(r"(?:病|症|癫痫|肝炎|内科|外科)$")
PLACE_HINT = re.compile(rf"^(?:{PROVINCES})|市|县|区|第[一二三四五六七八九十\d]+|附属|人民|中心|大学|有限")
SOFT_STOPS = frozenset("和与及为有用由经以")
MAX_PREFIX = 16
MIN_PREFIX = 2


def address_findings(text: str) -> Iterator[Finding]:
    """Postal addresses in the plain form: at least a street or estate with a number, or a named address field."""
    for match in ADDRESS.finditer(text):
        start = _address_start(text, match.start(), match.end())
        if start < match.end() - 4:
            yield Finding(start, match.end(), Label.ADDRESS, 0.92)
    for match in NAMED_ADDRESS.finditer(text):
        yield Finding(*match.span(1), Label.ADDRESS, 0.9)
    for match in VILLAGE.finditer(text):
        yield Finding(*match.span(), Label.ADDRESS, 0.89)


def _address_start(text: str, start: int, end: int) -> int:
    """Drop the words that lead to the address ("住在…", "送至…") from what the pattern swallowed."""
    cues = [match.end() for match in ADDRESS_CUE.finditer(text, max(0, start - 6), end) if match.start() < end - 6]
    region = re.search(rf"(?:{PROVINCES})(?:省|市|自治区)?{H}", text[start:end])
    if region and region.start() <= 6:
        return start + region.start()
    inside = [cue for cue in cues if start <= cue < start + 8]
    return max(inside, default=start)


def organization_findings(text: str) -> Iterator[Finding]:
    """Named organizations in the plain form: a kind ("医院", "公司") with a proper name before it."""
    for match in SUFFIX.finditer(text):
        end = match.end()
        if SUFFIX.match(text, end) or re.match(r"[们里内的]?(?:制度|章程|管理办法|热线)", text[end : end + 6]):
            continue
        start = _organization_start(text, match.start())
        prefix = text[start : match.start()]
        if len(prefix) >= MIN_PREFIX and not GENERIC.match(prefix) and not KIND_OF_ILLNESS.search(prefix):
            yield Finding(start, end, Label.ORG, 0.9 if PLACE_HINT.search(prefix) else 0.86)


def _organization_start(text: str, suffix: int) -> int:
    start = suffix
    while start > 0 and suffix - start < MAX_PREFIX and re.match(rf"{H}|[A-Za-z0-9]", text[start - 1]):
        start -= 1
    for match in LEFT_STOP.finditer(text, start, suffix):
        if not _inside_word(text, start, match):
            start = match.end()
    kind = SUFFIX.match(text, suffix)
    if kind and WEAK_KIND.search(kind.group()):
        start = max((at + 2 for at in range(start, suffix - 1) if vocabulary.is_verb(text[at : at + 2])), default=start)
    return start + len(text[start:suffix]) - len(text[start:suffix].lstrip("0123456789"))


def _inside_word(text: str, start: int, stop: re.Match[str]) -> bool:
    """Whether a stop character belongs to a name such as 仁和, 协和 or 有为 instead of ending a phrase."""
    if stop.group() not in SOFT_STOPS:
        return False
    joined = text[stop.start() - 1 : stop.end()], text[stop.start() : stop.end() + 1]
    return stop.start() - start == 1 or any(len(word) == 2 and vocabulary.is_word(word) for word in joined)
