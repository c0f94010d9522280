"""Errors of the security stage; each says what to do."""

from liaoyuan.errors import LiaoyuanError


class SecurityError(LiaoyuanError):
    """Base of this app's errors."""

    code = "security"


class KeywordTableInvalid(SecurityError):
    code = "security.keyword_table"
    zh = (
        "词表 {file} 第 {line} 行不正确：需要首行“# version: …”、表头 "
        "word/category/severity/action/language，以及以制表符分隔的五列。"
    )
    en = (
        "Line {line} of the keyword table {file} is not valid: it needs “# version: …”, the header "
        "word/category/severity/action/language and five tab-separated columns."
    )
    status = 422


class PolicyInvalid(SecurityError):
    code = "security.policy"
    zh = "护栏策略 {policy} 不正确：{detail}。请对照 docs/packs.md 修改后重试。"
    en = "The guardrail policy {policy} is not valid: {detail}. Mend it by docs/packs.md and try again."
    status = 422


class PolicyUnknown(SecurityError):
    code = "security.policy_unknown"
    zh = "没有名为 {policy} 的护栏策略。可用的有：{known}。"
    en = "There is no guardrail policy {policy}. Known policies: {known}."
    status = 404


class WeightsInvalid(SecurityError):
    code = "security.weights"
    zh = "分类器权重 {name} 缺失或已损坏。请重新安装本平台，或运行训练脚本重新生成。"
    en = "The classifier weights {name} are missing or damaged. Reinstall the platform, or run the training script."
    status = 500


class ControlUnknown(SecurityError):
    code = "security.control_unknown"
    zh = "控制项 {control} 使用了未知的检查 {check}。允许的检查有：{known}。"
    en = "Control {control} uses the unknown check {check}. Allowed checks: {known}."
    status = 422


class GuardInputInvalid(SecurityError):
    code = "security.guard_input"
    zh = "文件 {file} 第 {line} 行不是形如 {{id, text, context?}} 的 JSON。请逐行检查后重试。"
    en = (
        "Line {line} of {file} is not JSON of the form {{id, text, context?}}. Check the file line by line and try "
        "again."
    )
    status = 422
