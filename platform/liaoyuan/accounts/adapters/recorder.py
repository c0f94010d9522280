"""Writes what people do about their own sign-in into the audit log of each organization that they belong to."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.http import HttpRequest

from liaoyuan.accounts.adapters.login import client_address
from liaoyuan.accounts.models import User
from liaoyuan.accounts.resolver import principals_of_user
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import tenant_context


def connect() -> None:
    """Listen; called once when the application is ready."""
    user_logged_in.connect(_logged_in, dispatch_uid="liaoyuan.logged_in")
    for signal in (password_changed, password_set, password_reset):
        signal.connect(_password, dispatch_uid="liaoyuan.password")
    authenticator_added.connect(_factor_on, dispatch_uid="liaoyuan.factor_on")
    authenticator_removed.connect(_factor_off, dispatch_uid="liaoyuan.factor_off")
    authenticator_reset.connect(_factor_reset, dispatch_uid="liaoyuan.factor_reset")


def record(action: str, user: User, request: HttpRequest) -> None:
    """One entry in each organization in which ``user`` is active."""
    for each in principals_of_user(user):
        with tenant_context(each.organization_id, user.pk):
            detail = {"address": client_address(request)}
            audit_record(action=action, object_kind="account", object_id=user.pk, detail=detail)


def _logged_in(request: HttpRequest, user: User, **more: Any) -> None:
    how = "account.login_sso" if more.get("sociallogin") else "account.login"
    record("account.login_link" if more.get("link") else how, user, request)


def _password(request: HttpRequest, user: User, **_: Any) -> None:
    record("account.password", user, request)


def _factor_on(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record("account.totp_on", user, request)


def _factor_off(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record("account.totp_off", user, request)


def _factor_reset(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        record("account.recovery_codes", user, request)
