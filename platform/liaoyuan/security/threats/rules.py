"""Phrases by which a text tries to take over the model, in Chinese and English, each with a name that a decision shows.

The rules are sure and explain themselves; the classifier beside them generalises. Harmless uses of the same words
("must not ignore the safety rules") are excluded by what stands before them.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

EN_OBJECT = (
    r"(?:instruction|prompt|rule|command|direction|directive|guideline|constraint|programming|training|"
    r"restriction|polic(?:y|ies)|order|safeguard|filter)s?\b"
)
ZH_OBJECT = r"(?:指令|提示词?|规则|要求|设定|命令|约束|限制|说明|角色设定|安全策略|安全机制|准则|规定|安全措施|审查)"
NOT_EN = r"(?<!not )(?<!never )(?<!n't )(?<!cannot )"
NOT_ZH = r"(?<!不得)(?<!不要)(?<!不能)(?<!不可)(?<!切勿)(?<!请勿)(?<!严禁)(?<!禁止)(?<!容易)(?<!避免)(?<!防止)"


@dataclass(frozen=True, slots=True)
class InjectionRule:
    """`score` in (0, 1]; `documents_only` rules make sense only where a text has no business addressing a model."""

    name: str
    score: float
    pattern: re.Pattern[str]
    documents_only: bool = False


def _rule(name: str, score: float, pattern: str, *, documents_only: bool = False) -> InjectionRule:
    return InjectionRule(name, score, re.compile(pattern, re.IGNORECASE), documents_only)


RULES: tuple[InjectionRule, ...] = (
    _rule(
        "ignore_instructions",
        0.97,
        rf"{NOT_EN}\b(?:ignore|disregard|forget|overlook|bypass|override|discard|neglect|skip|(?:do not|don't|"
        r"stop) (?:follow|obey)(?:ing)?|pay no attention to)"
        r"\s+(?:\S+\s+){0,5}?(?:previous|prior|above|earlier|preceding|foregoing|all|any|your|the|system|"
        rf"initial|original|every|these|those|that|what)\s+(?:\S+\s+){{0,4}}?{EN_OBJECT}",
    ),
    _rule(
        "ignore_instructions",
        0.97,
        rf"{NOT_ZH}(?:忽略|无视|忘记|忘掉|不要理会|不必理会|不用理会|不必遵守|不用遵守|不要遵守|不再遵守|抛开|"
        r"抛弃|撤销|跳过|绕过|绕开|突破|违背|不用管|别管|清除|丢弃|废除)"
        r"[^。！？!?\n]{0,14}(?:之前|以上|上面|上述|前面|先前|此前|所有|一切|全部|任何|你的|系统|原有|原来|"
        rf"最初|既定)[^。！？!?\n]{{0,10}}{ZH_OBJECT}",
    ),
    _rule(
        "role_override",
        0.93,
        r"\b(?:you are (?:now|no longer|going to (?:act|pretend|be))|from now on,? (?:you|act|your|answer|"
        r"respond)|(?:pretend|imagine) (?:to be|that you|you are|you're)|you (?:will|must|shall) (?:now "
        r")?(?:act|pretend|behave|roleplay|role-play|respond|answer) as|"
        r"(?:enter|enable|activate|switch to|simulate|you are in) (?:developer|dan|debug|god|admin|root|"
        r"jailbreak|unrestricted|maintenance|sudo|dev|evil|chaos)[ -]?mode|do anything now|\bDAN\b.{0,"
        r"40}\b(?:mode|prompt|jailbr)|jailbr(?:eak|oken)\b.{0,30}\b(?:mode|prompt|yourself|you)|"
        r"(?:amoral|unfiltered|uncensored|unrestricted)\b.{0,30}\b(?:ai|assistant|model|chatbot|gpt|bot)\b|"
        r"stay in character|(?:never|do not|don't) break character)",
    ),
    _rule(
        "role_override",
        0.93,
        r"\b(?:you|ai|assistant|chatbot|gpt|bot|character)\b[^.\n]{0,80}\b(?:never refuses?|without (?:any "
        r")?(?:restrictions?|filters?|limitations?|censorship|moral|ethical)|"
        r"(?:no|free (?:of|from)|not bound by|ignores?|regardless of|does not care about) (?:\w+ ){0,"
        r"3}(?:ethic\w*|moral\w*|content polic\w+|openai|guidelines|restrictions))",
    ),
    _rule(
        "role_override",
        0.93,
        r"(?:从现在(?:开始|起)|现在开始|接下来|从此刻起)[^。！？\n]{0,10}你(?:就|将|要|不再|必须|只)?(?:是|"
        r"扮演|叫|不受|变成|没有|充当)|你(?:现在|已经|"
        r"从此)?(?:不再是|不再受|不受|没有|摆脱了?)[^。\n]{0,8}(?:限制|约束|道德|规则|审查|法律)|"
        r"(?:开发者|越狱|上帝|管理员|超级用户|调试|无限制|维护|特权|邪恶|自由)模式|(?:扮演|假装|假扮|模拟|"
        r"充当)[^。\n]{0,24}(?:没有|不受|无视|不考虑|不顾)[^。"
        r"\n]{0,8}(?:限制|约束|道德|法律|规则|伦理)|"
        r"(?:不要|不许|不得|永远不)拒绝(?:我|回答|任何)|不(?:用|必|要|需要?)(?:考虑|顾及|遵守)[^。\n]{0,"
        r"6}(?:道德|法律|伦理|安全限制|规定)|你(?:必须|只能|"
        r"要)(?:无条件)?服从我",
    ),
    _rule(
        "prompt_extraction",
        0.95,
        r"\b(?:reveal|show|print|repeat|output|display|tell|leak|give|dump|recite|share|summari[sz]e|translate|"
        r"encode|write|spell|copy|expose|disclose|paste|return|say|list|what(?:'s| is| are| was| were)|how "
        r"(?:is|was|does))\b"
        r"(?:\W+\w+){0,7}?\W+(?:system (?:prompt|message|instruction)s?|(?:initial|hidden|original|secret|"
        r"internal|confidential|developer) (?:prompt|instruction|message|rule|guideline)s?|"
        r"your (?:own )?(?:instruction|prompt|guideline|directive|configuration|programming|rules)s?|"
        r"instructions? (?:above|you were given|given to you|before this)|(?:secret|access|api) (?:key|"
        r"password|word|phrase|code|token)s?)",
    ),
    _rule(
        "prompt_extraction",
        0.95,
        r"\b(?:repeat|print|output|recite|echo|copy|return)\b(?:\W+\w+){0,4}?\W+(?:text|words?|everything|all|"
        r"prompt|messages?|instructions?|content|conversation)\b(?:\W+\w+){0,3}?\W+(?:above|before this|verbatim|"
        r"so far|up to this point|word for word)\b",
    ),
    _rule(
        "prompt_extraction",
        0.95,
        r"(?:输出|告诉我?|显示|打印|重复|复述|泄露|透露|说出|展示|写出|翻译|给出|公开|列出|复制|背诵|念出|总结|"
        r"贴出|是什么|查看|透漏|揭示|解释|编码|返回)[^。！？\n]{0,"
        r"16}(?:系统提示|提示词|初始(?:指令|提示|设定)|系统(?:指令|消息|设定|配置)|隐藏(?:的)?(?:指令|提示|规则)|"
        r"开发者(?:指令|消息)|(?:你|您)的(?:全部|所有|内部|原始)?(?:指令|规则|设定|提示|配置|系统)|(?:上面|"
        r"以上|上文|前面)(?:的)?(?:所有|全部|一切)?(?:内容|"
        r"文字|指令|对话)|后台(?:密码|口令|配置)|(?:系统|管理员|数据库)(?:密钥|密码|口令)|API ?(?:密钥|key))",
    ),
    _rule(
        "prompt_extraction",
        0.9,
        r"(?:你|您)的(?:系统)?(?:提示词|系统提示|初始指令|内部指令|隐藏规则)[^。\n]{0,8}(?:是什么|有哪些|内容|给我|"
        r"原文)",
    ),
    _rule("exfiltration", 0.96, r"!\[[^\]]*\]\(\s*(?:https?:)?//[^)\s]*[?=&{][^)]*\)"),
    _rule(
        "prompt_extraction",
        0.93,
        r"(?:把|将)[^。！？\n]{0,10}(?:系统提示|提示词|初始指令|系统指令|隐藏指令)[^。！？\n]{0,14}"
        r"(?:复述|输出|打印|列出|贴出|展示|告诉|给我|发出来|写出来|翻译)",
    ),
    _rule(
        "ignore_instructions",
        0.93,
        r"(?:请|帮我|现在|给我)(?:无视|绕过|忽略|关闭|跳过)[^。\n]{0,8}(?:安全策略|安全限制|安全机制|内容过滤|审查|安全设置)|"
        r"(?:上文|以上|之前|前面|先前)[^。\n]{0,10}(?:要求|指令|规则|设定)[^。\n]{0,6}(?:作废|失效|取消|不算数)",
    ),
    _rule(
        "role_override",
        0.93,
        r"你(?:现在|从现在起|已经)?是[^。\n]{0,6}(?:没有|不受|无)(?:任何)?(?:限制|约束|审查|道德)|你(?:的名字)?(?:叫|是)DAN\b",
    ),
    _rule(
        "exfiltration",
        0.94,
        r"\b(?:send|forward|post|upload|email|transmit|exfiltrate|append|submit|leak|report)\b[^.\n]{0,80}\b(?:to|"
        r"at|via|into)\b[^.\n]{0,24}(?:https?://|www\.|ftp://|[\w.\-]+@[\w\-]+\.)",
    ),
    _rule(
        "exfiltration",
        0.94,
        r"(?:发送|上传|转发|提交|拼接|附加|发到|发给|传到|回传)[^。\n]{0,30}(?:https?://|www\.|"
        r"[\w.\-]+@[\w\-]+\.)|(?:数据|内容|记录|信息|密码|对话|"
        r"文件)[^。\n]{0,12}(?:发送|上传|转发|提交|发)(?:到|至|给)[^。\n]{0,8}(?:https?://|www\.|[\w.\-]+@)",
    ),
    _rule(
        "tool_abuse",
        0.93,
        r"\brm -rf?\b|\bdrop table\b|;\s*shutdown\b|\bos\.system\(|\bsubprocess\.|\beval\(|"
        r"\bcurl\s+-?\w*\s*https?://|\bwget\s+https?://|powershell\s+-(?:enc|e)\b|<tool_call>|"
        r"\"function_call\"\s*:|\{\{\s*\w+\.__class__",
    ),
    _rule(
        "tool_abuse",
        0.9,
        r"\b(?:call|invoke|run|execute|use)\s+(?:the\s+)?[\w.]{0,24}\s*(?:tool|function|plugin|shell|terminal|"
        r"api)\b[^.\n]{0,60}\b(?:delete|transfer|send|remove|drop|disable|purchase|download|without (?:asking|"
        r"confirm\w+))",
    ),
    _rule(
        "tool_abuse",
        0.9,
        r"(?:调用|执行|运行|使用)[^。\n]{0,14}(?:工具|函数|命令|接口|脚本|插件|终端)[^。\n]{0,24}(?:删除|转账|"
        r"发送|关闭|下载|清空|修改|无需确认|不要询问)",
    ),
    _rule(
        "chat_markup",
        0.95,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>|\[/?INST\]|<</?SYS>>|"
        r"</?(?:system|assistant|human)(?:_prompt|_message)?>|\n\s*(?:system|assistant|系统)\s*[:：]\s*\S|^\s*#{2,"
        r"}\s*(?:new )?(?:system|instructions?|系统|新指令)\b",
    ),
    _rule(
        "chat_markup",
        0.93,
        r"(?:begin|start of|end of)\s+(?:new |system |the )?(?:instructions?|prompt|document|context|user input)\b|"
        r"(?:新的?|更新后的?|最新|真正的?)(?:系统)?(?:指令|任务|提示)\s*[:：]|以上(?:内容|文档|资料)(?:到此)?结束",
    ),
    _rule(
        "encoded_payload",
        0.9,
        r"\b(?:decode|decrypt|unscramble|deobfuscate|rot13|base64|hex)\b[^.\n]{0,60}\b(?:and (?:then )?(?:follow|"
        r"execute|do|answer|respond|obey|run)|then (?:follow|execute|answer|do))",
    ),
    _rule(
        "encoded_payload",
        0.9,
        r"(?:解码|解密|还原|反转|倒过来)[^。\n]{0,24}(?:并|然后|之后|后)[^。\n]{0,6}(?:执行|照做|遵循|回答|按照)",
    ),
    _rule(
        "addressed_to_model",
        0.9,
        r"\b(?:ai|llm|language model|chatbot|chatgpt|gpt-?\d?|copilot)s?(?: assistant| agent| "
        r"model)?\b[^.\n]{0,24}\b(?:reading|processing|summari[sz]ing|that reads?|who reads?|you must|are "
        r"instructed|is instructed|please)\b|"
        r"\b(?:note|message|notice|instructions?|attention|dear|hey|hello|hi)\b[^.\n]{0,16}\b(?:ai|llm|model|"
        r"assistant|chatbot|bot|agent)s?\b\s*[:,]|\bif you are an? (?:ai|llm|language model|assistant|bot)\b",
        documents_only=True,
    ),
    _rule(
        "addressed_to_model",
        0.9,
        r"(?:AI助手|智能助手|大模型|语言模型|聊天机器人|本模型|AI模型)[^。\n]{0,10}(?:请|务必|读到|看到|处理本|"
        r"听好|注意)|致(?:AI|人工智能|助手|模型)|如果你是(?:AI|"
        r"人工智能|大?模型|语言模型|机器人|助手)",
        documents_only=True,
    ),
    _rule(
        "steers_answer",
        0.92,
        r"\byour (?:response|reply|answer|output|message)s?\b|\brespond (?:only )?(?:with|in|using)\b|"
        r"\b(?:tell|inform|recommend|advise|convince|urge|persuade|ask) the user\b|\bwhen (?:asked|answering|"
        r"summari[sz]ing)\b[^.\n]{0,40}\b(?:say|answer|reply|respond|state|claim)",
        documents_only=True,
    ),
    _rule(
        "steers_answer",
        0.92,
        r"(?:在|于)?(?:你|您)?的?(?:回答|回复|答复|输出|摘要|总结)(?:中|里|时|末尾|开头|最后|结尾)[^。\n]{0,"
        r"12}(?:加入|加上|插入|附上|包含|写上|推荐|提到|注明|改为|"
        r"必须|声称|说明|添加)|(?:告诉|劝说|诱导)用户|"
        r"(?:回答|回复|输出)[^。\n]{0,10}(?:时|中)[^。\n]{0,4}(?:只|都|一律|必须)(?:说|回答|输出|写)|(?:一律|"
        r"只|统一)(?:回答|回复|输出)",
        documents_only=True,
    ),
)
BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{20,}={0,2}(?![A-Za-z0-9+/=])")
HEXADECIMAL = re.compile(r"(?<![0-9a-fA-F])(?:(?:\\x|%|0x)?[0-9a-fA-F]{2}[\s,]?){12,}(?![0-9a-fA-F])")
SPACED = re.compile(r"(?<!\w)(?:[A-Za-z][\s.\-_*]){5,}[A-Za-z](?!\w)")
MIN_PRINTABLE = 0.9
# Only these are looked for in decoded text: by chance, reversed prose never says them.
HIDDEN_NAMES = frozenset({"ignore_instructions", "role_override", "prompt_extraction", "exfiltration"})
MAX_TRANSPOSED = 1500


def matches(text: str, *, document: bool) -> list[tuple[str, float, int, int]]:
    """(rule, score, start, end) for every rule that the plain form `text` fires, hidden copies of it included."""
    found = list(_direct(text, document=document))
    for decoded, start, end in hidden_payloads(text):
        found += [
            ("encoded_payload", 0.97, start, end)
            for name, *_ in _direct(decoded, document=False)
            if name in HIDDEN_NAMES
        ]
    return found


def _direct(text: str, *, document: bool) -> Iterator[tuple[str, float, int, int]]:
    for rule in RULES:
        if rule.documents_only and not document:
            continue
        for match in rule.pattern.finditer(text):
            yield rule.name, rule.score, match.start(), match.end()


def hidden_payloads(text: str) -> Iterator[tuple[str, int, int]]:
    """Readable text that base64, hexadecimal, ROT13, reversal or letter spacing hides in `text`."""
    for pattern, decode in ((BASE64, _from_base64), (HEXADECIMAL, _from_hexadecimal)):
        for match in pattern.finditer(text):
            decoded = decode(match.group())
            if decoded:
                yield decoded, *match.span()
    for match in SPACED.finditer(text):
        yield re.sub(r"(?<=\w)[\s.\-_*](?=\w(?:[\s.\-_*]|$))", "", match.group()), *match.span()
    if text.isascii() and 0 < len(text) <= MAX_TRANSPOSED:
        yield codecs.decode(text, "rot13"), 0, len(text)
        yield text[::-1], 0, len(text)


def _from_base64(text: str) -> str:
    try:
        return _readable(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except binascii.Error:
        return ""


def _from_hexadecimal(text: str) -> str:
    digits = re.sub(r"\\x|%|0x|[\s,]", "", text)
    return _readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else ""


def _readable(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    good = sum(letter.isprintable() and letter != "\ufffd" for letter in text)
    return text if text and good / len(text) >= MIN_PRINTABLE else ""
