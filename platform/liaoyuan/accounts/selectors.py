"""Questions about accounts; nothing here writes."""

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import system_context
from liaoyuan.errors import LiaoyuanError


class OrganizationUnknown(LiaoyuanError):
    code = "organization_unknown"
    zh = "没有名为“{name}”的组织。请先执行：manage.py organization create {name}"
    en = "There is no organization called “{name}”. Create it first: manage.py organization create {name}"
    status = 404


def organization_by_name(name: str) -> Organization:
    """The organization called ``name``, for operators' commands. Raises OrganizationUnknown."""
    with system_context("organization by name") as alias:
        found = Organization.objects.using(alias).filter(name=name.strip()).first()
    if found is None:
        raise OrganizationUnknown(name=name)
    return found
