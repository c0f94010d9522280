"""What changes accounts: organizations, people, members, keys, invitations, login links and the audit chain."""

from liaoyuan.accounts.services.chain import audit_record
from liaoyuan.accounts.services.invitations import (
    invitation_accept,
    invitation_create,
    invitation_renew,
    invitation_revoke,
)
from liaoyuan.accounts.services.keys import api_key_create, api_key_revoke
from liaoyuan.accounts.services.logins import login_link_create, login_link_use, single_sign_on
from liaoyuan.accounts.services.members import (
    member_add,
    member_disable,
    member_enable,
    member_groups_set,
    member_leave,
    member_role_set,
)
from liaoyuan.accounts.services.organizations import (
    account_update,
    organization_create,
    organization_rename,
    user_create,
)

__all__ = [
    "account_update",
    "api_key_create",
    "api_key_revoke",
    "audit_record",
    "invitation_accept",
    "invitation_create",
    "invitation_renew",
    "invitation_revoke",
    "login_link_create",
    "login_link_use",
    "member_add",
    "member_disable",
    "member_enable",
    "member_groups_set",
    "member_leave",
    "member_role_set",
    "organization_create",
    "organization_rename",
    "single_sign_on",
    "user_create",
]
