"""What can go wrong with accounts."""

from liaoyuan.errors import LiaoyuanError


class OrganizationUnknown(LiaoyuanError):
    code = "organization_unknown"
    zh = "没有名为“{name}”的组织。请先执行：manage.py organization create {name}"
    en = "There is no organization called “{name}”. Create it first: manage.py organization create {name}"
    status = 404


class OrganizationNameInvalid(LiaoyuanError):
    code = "organization_name_invalid"
    zh = "组织名称不能为空，不超过 {longest} 个字，且不含控制字符。"
    en = "An organization's name has 1 to {longest} characters and no control characters."
    status = 422


class OrganizationNameTaken(LiaoyuanError):
    code = "organization_name_taken"
    zh = "名称“{name}”已被占用。请换一个名称。"
    en = "The name “{name}” is taken. Choose another one."
    status = 409


class LastOwner(LiaoyuanError):
    code = "last_owner"
    zh = "这是最后一位所有者。请先指定另一位所有者。"
    en = "This is the last owner. Name another owner first."
    status = 409


class ScopeBeyondRole(LiaoyuanError):
    code = "scope_beyond_role"
    zh = "权限范围“{scopes}”为空或超出角色“{role}”。请从角色允许的范围中选择。"
    en = "The scopes “{scopes}” are empty or beyond the role “{role}”. Choose from what the role allows."
    status = 422


class InvitationInvalid(LiaoyuanError):
    code = "invitation_invalid"
    zh = "邀请链接无效、已使用或已过期。请联系邀请人重新发送。"
    en = "The invitation is not valid, was used or has expired. Ask for a new one."
    status = 404


class LoginLinkInvalid(LiaoyuanError):
    code = "login_link_invalid"
    zh = "登录链接无效、已使用或已过期。请在服务器上重新生成：manage.py login"
    en = "The login link is not valid, was used or has expired. Make a new one on the machine: manage.py login"
    status = 404


class SingleSignOnRefused(LiaoyuanError):
    """One answer for a stranger, an address nobody verified, a disabled member and a break-glass account."""

    code = "single_sign_on_refused"
    zh = "单点登录成功，但此处没有与您邮箱对应的成员或邀请。请联系组织的所有者邀请您。"
    en = "You signed in, but nobody here with your address is a member or invited. Ask an owner to invite you."
    status = 403
