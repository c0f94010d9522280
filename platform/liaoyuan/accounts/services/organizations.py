"""Organizations and the people themselves, before anybody is a member of anything."""

import unicodedata

from liaoyuan.accounts.errors import OrganizationNameInvalid
from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.tenancy import system_context

NAME_LONGEST = 120


def organization_create(*, name: str) -> tuple[Organization, bool]:
    """The organization called ``name`` and whether it is new. Done by operators: the name is unique on the machine.

    Raises OrganizationNameInvalid for a name that is empty, longer than the column or has control characters.
    """
    name = _checked(name)
    with system_context("organization create") as alias:
        return Organization.objects.using(alias).get_or_create(name=name)


def user_create(*, email: str, password: str | None = None, name: str = "") -> tuple[User, bool]:
    """The user with ``email`` and whether it is new. Without a password the account cannot sign in until one is set."""
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, False
    return User.objects.create_user(email, password, name=name_clean(name)), True


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LONGEST or any(unicodedata.category(sign).startswith("C") for sign in name):
        raise OrganizationNameInvalid(longest=NAME_LONGEST)
    return name
