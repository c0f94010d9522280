"""What the settings of allauth need to know about the OpenID Connect provider, if there is one."""

from typing import Any
from urllib.parse import urlsplit

from liaoyuan.config.environment import Environment

PROVIDER_ID = "sso"


def oidc_providers(env: Environment) -> dict[str, Any]:
    """``SOCIALACCOUNT_PROVIDERS``: one provider with PKCE, or none."""
    if not env.oidc_issuer:
        return {}
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [_app(env)]}}


def oidc_origins(env: Environment) -> list[str]:
    """The origins to which signing in may lead, for the content security policy; none without a provider."""
    parts = urlsplit(env.oidc_issuer)
    return [f"{parts.scheme}://{parts.netloc}", *env.oidc_origins] if env.oidc_issuer else []


def _app(env: Environment) -> dict[str, Any]:
    return {
        "provider_id": PROVIDER_ID,
        "name": env.oidc_name,
        "client_id": env.oidc_client_id,
        "secret": env.oidc_client_secret.get_secret_value(),
        "settings": {"server_url": env.oidc_issuer},
    }
