"""What the frame around every page shows: where one is and where one may go."""

from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from liaoyuan.accounts.choice import organization_chosen
from liaoyuan.accounts.models import User
from liaoyuan.accounts.policy import Principal
from liaoyuan.accounts.resolver import memberships_of_users
from liaoyuan.accounts.tenancy import TenantContextMissing, current_tenant, tenant_context
from liaoyuan.pipeline import notices
from liaoyuan.portal.shell.navigation import account_places, navigation

# Pages about oneself that a library serves: they do not come through our door, and belong into the frame as well.
OWN_PAGES: Final = (
    "account_change_password",
    "account_set_password",
    "account_email",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "usersessions_list",
    "socialaccount_connections",
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context processor. Pages before the door (login, errors) get no frame; fragments never ask for it."""
    who, organizations = _visitor(request)
    if who is None:
        return {"shell": None}
    return {"shell": SimpleLazyObject(lambda: _frame(request, who, organizations))}


def _visitor(request: HttpRequest) -> tuple[Principal | None, dict[Any, str]]:
    who: Principal | None = getattr(request, "principal", None)
    if who is not None:
        return who, getattr(request, "organizations", {})
    route = request.resolver_match.url_name if request.resolver_match else None
    if route not in OWN_PAGES or not isinstance(request.user, User):
        return None, {}
    mine = memberships_of_users({request.user.pk})
    chosen = organization_chosen(request)
    here = next((each for each in mine if each.organization_id == chosen), next(iter(mine), None))
    return here, {each.organization_id: name for each, name in mine.items()}


def _frame(request: HttpRequest, who: Principal, organizations: dict[Any, str]) -> dict[str, Any]:
    return {
        "here": who.organization_id,
        "name": organizations.get(who.organization_id, ""),
        "role": who.role,
        "organizations": organizations,
        "navigation": navigation(who, request.path),
        "account": account_places(who),
        "bell": address("notifications"),
        "unread": unread_count(who),
    }


def address(route: str) -> str:
    """The path of a route that may not exist in this build; empty then."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


def unread_count(who: Principal) -> int:
    """How many notices are new to the visitor, also on a page that is drawn outside a tenant context."""
    try:
        current_tenant()
    except TenantContextMissing:
        with tenant_context(who.organization_id, who.user_id, groups=who.document_groups):
            return notices.unread_count(who)
    return notices.unread_count(who)
