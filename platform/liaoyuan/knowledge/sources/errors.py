"""What can go wrong at a source, each with what to do about it."""

from liaoyuan.errors import LiaoyuanError


class SourceExists(LiaoyuanError):
    code = "source_exists"
    zh = "这个文档集已有名为“{name}”的同步来源。请换一个名称。"
    en = "This collection already has a source called “{name}”. Choose another name."
    status = 409


class SourceBusy(LiaoyuanError):
    code = "source_busy"
    zh = "“{name}”正在同步。请等它结束，或先取消该任务。"
    en = "“{name}” is being synchronized. Wait for it to end, or cancel that run first."
    status = 409


class SourceNotAllowed(LiaoyuanError):
    """The operator did not open this place; tenants cannot."""

    code = "source_not_allowed"
    zh = "平台运维人员没有允许访问“{place}”。请联系运维人员在 {setting} 中加入它。"
    en = "The platform's operator does not allow “{place}”. Ask the operator to add it to {setting}."
    status = 422


class SourceInvalid(LiaoyuanError):
    code = "source_invalid"
    zh = "同步来源设置不正确：{detail}"
    en = "The source's settings are not valid: {detail}"
    status = 422


class SourceUnreachable(LiaoyuanError):
    """Nothing is deleted because of it: what cannot be listed is not gone."""

    code = "source_unreachable"
    zh = "无法读取“{place}”：{detail}。已有文档保持不变，恢复后会自动继续。"
    en = "“{place}” cannot be read: {detail}. The documents stay as they are; it goes on when the place is back."
    retryable = True
    status = 502


class CredentialsRefused(LiaoyuanError):
    code = "source_credentials_refused"
    zh = "“{place}”拒绝了访问密钥（{detail}）。请更新密钥后重试。"
    en = "“{place}” refused the access key ({detail}). Renew the key and try again."
    status = 422


class ClockWrong(LiaoyuanError):
    """The key may be right: signatures hold for some minutes, by the server's clock."""

    code = "source_clock_wrong"
    zh = "“{place}”拒绝了请求：本机时间与该服务器相差太多（{detail}）。请校准两边的时间（如 NTP），随后会自动继续。"
    en = (
        "“{place}” refused the request: this machine's clock differs too much from the server's ({detail}). Set both "
        "clocks (NTP); it goes on by itself then."
    )
    retryable = True
    status = 502


class CredentialsLost(LiaoyuanError):
    code = "source_credentials_lost"
    zh = "“{name}”的访问密钥无法解密（平台密钥已更换）。请重新填写。"
    en = "The access key of “{name}” cannot be decrypted (the platform's secret has changed). Enter it again."
    status = 422


class ItemTooLarge(LiaoyuanError):
    code = "source_item_too_large"
    zh = "文件超过 {limit} MB 的上限，已跳过。"
    en = "The file is larger than the limit of {limit} MB and was skipped."


class ItemUnsafe(LiaoyuanError):
    code = "source_item_unsafe"
    zh = "这是链接或特殊文件，不会被读取。请把文件本身放进来。"
    en = "This is a link or a special file, which is never read. Put the file itself here."


class ItemMoving(LiaoyuanError):
    code = "source_item_moving"
    zh = "文件在读取时被修改，下次同步时再读。"
    en = "The file was being written while it was read; the next synchronization reads it again."
    retryable = True


class ItemUnreadable(LiaoyuanError):
    code = "source_item_unreadable"
    zh = "无法读取：{detail}。"
    en = "It cannot be read: {detail}."
    retryable = True


class PageRefused(LiaoyuanError):
    """An address that must not be asked, or an answer that must not be taken."""

    code = "source_page_refused"
    zh = "不会访问“{url}”：{why_zh}。"
    en = "“{url}” is not fetched: {why_en}."
    status = 422
