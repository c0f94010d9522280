"""Single sign-on: the provider says who somebody is; our members and invitations say whether they come in."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render

from liaoyuan.accounts.errors import SingleSignOnRefused
from liaoyuan.accounts.services import single_sign_on


class MembersOnly(DefaultSocialAccountAdapter):
    """Lets in members and invited people by their verified address; nobody joins by having an account elsewhere."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find or make the user behind the provider's answer. One page for every refusal."""
        known = sociallogin.user if sociallogin.is_existing else None
        try:
            user = single_sign_on(user=known, email=_verified(sociallogin), name=_name(sociallogin))
        except SingleSignOnRefused as error:
            shown = {"sentence_zh": error.sentence("zh"), "sentence_en": error.sentence("en")}
            page = render(request, "portal/account/sso_refused.html", shown, status=error.status)
            raise ImmediateHttpResponse(page) from error
        if known is None:
            sociallogin.connect(request, user)


def _verified(sociallogin: SocialLogin) -> str:
    """The address that the provider vouches for; empty where it vouches for none."""
    found = [each for each in sociallogin.email_addresses if each.verified or settings.OIDC_TRUST_EMAIL]
    return found[0].email.strip().lower() if found else ""


def _name(sociallogin: SocialLogin) -> str:
    data: dict[str, Any] = sociallogin.account.extra_data
    claims = data.get("userinfo") or data.get("id_token") or data
    return str(claims.get("name") or "")[:120]
