"""What can be wrong with an industry pack, each with what to do about it."""

from liaoyuan.errors import LiaoyuanError


class IndustryError(LiaoyuanError):
    """Base of everything this app raises."""

    code = "industry_error"


class IndustryUnknown(IndustryError):
    code = "industry_unknown"
    zh = "没有名为“{name}”的行业。可用的行业：{known}。请检查名称，或用 manage.py industry install 安装。"
    en = (
        "There is no industry named “{name}”. Known: {known}. "
        "Check the name, or install it with manage.py industry install."
    )
    status = 404


class ScenarioUnknown(IndustryError):
    code = "scenario_unknown"
    zh = "行业“{industry}”没有名为“{name}”的场景。可用的场景：{known}。"
    en = "The industry “{industry}” has no scenario named “{name}”. Known: {known}."
    status = 404


class PackInvalid(IndustryError):
    """A file of the pack breaks the format. ``problem`` names the key."""

    code = "pack_invalid"
    zh = "行业包文件 {file} 不符合格式：{problem}。请改正后重新签名（manage.py industry sign）。"
    en = "The pack file {file} breaks the format: {problem}. Mend it and sign again (manage.py industry sign)."
    status = 422


class PackTampered(IndustryError):
    """A file was changed, removed or added after signing."""

    code = "pack_tampered"
    zh = "行业包“{pack}”中的 {file} {state_zh}，与签名清单不符，已拒绝加载。请重新取得该包，或由作者重新签名。"
    en = (
        "In the pack “{pack}” {file} {state}; it differs from the signed manifest and was refused. "
        "Fetch the pack again, or have its author sign it."
    )
    status = 422


class PackUnsigned(IndustryError):
    code = "pack_unsigned"
    zh = "行业包“{pack}”没有签名（缺少 {file}），已拒绝加载。请由作者用 manage.py industry sign 签名。"
    en = (
        "The pack “{pack}” is not signed ({file} is missing) and was refused. "
        "Have its author sign it with manage.py industry sign."
    )
    status = 422


class SignatureRefused(IndustryError):
    code = "pack_signature_refused"
    zh = "行业包“{pack}”的签名（密钥 {key}）{state_zh}。只有在确认来源后，才把对方公钥放入 {folder}。"
    en = (
        "The signature of the pack “{pack}” (key {key}) {state}. "
        "Put its public key into {folder} only when you know the source."
    )
    status = 422


class PackHostile(IndustryError):
    """A link, a device or a path that leaves the folder."""

    code = "pack_hostile"
    zh = "行业包中的 {file} 不被允许：{problem_zh}。"
    en = "{file} in the pack is not allowed: {problem}."
    status = 422


class InstallRefused(IndustryError):
    code = "pack_install_refused"
    zh = "未安装行业包“{pack}”：{problem_zh}。"
    en = "The pack “{pack}” was not installed: {problem}."
    status = 409


class PromptInvalid(IndustryError):
    code = "prompt_invalid"
    zh = "提示词 {prompt} 不能使用：{problem_zh}。"
    en = "The prompt {prompt} cannot be used: {problem}."
    status = 422
