"""What an operator may be refused."""

from liaoyuan.errors import LiaoyuanError


class OrganizationThere(LiaoyuanError):
    code = "organization_exists"
    zh = "已有名为“{name}”的组织。请换一个名称。"
    en = "There is an organization called “{name}” already. Choose another name."
    status = 409


class AddressInvalid(LiaoyuanError):
    code = "address_invalid"
    zh = "这不是有效的邮箱地址。"
    en = "This is not an e-mail address."
    status = 422


class SuspensionNeedsReason(LiaoyuanError):
    code = "suspension_needs_reason"
    zh = "停用组织须写明原因：它会记入该组织的审计日志。"
    en = "Say why: the reason goes into the organization's audit log."
    status = 422


class QuotaInvalid(LiaoyuanError):
    code = "quota_invalid"
    zh = "额度须在 0 与 {most} 之间。"
    en = "A quota is between 0 and {most}."
    status = 422
