"""Organizations and the people themselves, before anybody is a member of anything."""

import unicodedata
from zoneinfo import available_timezones

from django.conf import settings
from django.db import IntegrityError, transaction

from liaoyuan.accounts.errors import OrganizationNameInvalid, OrganizationNameTaken
from liaoyuan.accounts.models import Organization, User
from liaoyuan.accounts.names import name_clean
from liaoyuan.accounts.services.chain import audit_record
from liaoyuan.accounts.tenancy import current_tenant, system_context
from liaoyuan.errors import InvalidInput

NAME_LONGEST = 120


def organization_create(*, name: str) -> tuple[Organization, bool]:
    """The organization called ``name`` and whether it is new. Done by operators: the name is unique on the machine.

    Raises OrganizationNameInvalid for a name that is empty, longer than the column or has control characters.
    """
    name = _checked(name)
    with system_context("organization create") as alias:
        return Organization.objects.using(alias).get_or_create(name=name)


def organization_rename(*, name: str) -> Organization:
    """Give the current organization another name.

    Raises OrganizationNameInvalid, and OrganizationNameTaken where another one on this machine has it: names are how
    operators tell organizations apart, so that this much about a stranger's is told.
    """
    name = _checked(name_clean(name))
    organization = Organization.objects.select_for_update().get(id=current_tenant().organization_id)
    before, organization.name = organization.name, name
    if before == name:
        return organization
    try:
        with transaction.atomic():
            organization.save(update_fields=["name"])
    except IntegrityError as error:
        raise OrganizationNameTaken(name=name) from error
    detail = {"from": before, "to": name}
    audit_record(action="organization.rename", object_kind="organization", object_id=organization.id, detail=detail)
    return organization


def user_create(*, email: str, password: str | None = None, name: str = "") -> tuple[User, bool]:
    """The user with ``email`` and whether it is new. Without a password the account cannot sign in until one is set."""
    found = User.objects.filter(email=email.lower()).first()
    if found:
        return found, False
    return User.objects.create_user(email, password, name=name_clean(name)), True


def account_update(*, user: User, name: str, language: str = "", time_zone: str = "") -> User:
    """A person's own name, language ("" follows the browser) and time zone ("" follows the machine).

    Raises InvalidInput for a language that the interface does not have and for an unknown time zone.
    """
    if language and language not in dict(settings.LANGUAGES):
        raise InvalidInput(detail=f"language: {language}")
    if time_zone and time_zone not in available_timezones():
        raise InvalidInput(detail=f"time_zone: {time_zone}")
    user.name = name_clean(name)[:NAME_LONGEST]
    user.language, user.time_zone = language, time_zone
    user.save(update_fields=["name", "language", "time_zone"])
    return user


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_LONGEST or any(unicodedata.category(sign).startswith("C") for sign in name):
        raise OrganizationNameInvalid(longest=NAME_LONGEST)
    return name
