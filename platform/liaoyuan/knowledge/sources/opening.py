"""From a source's row to something that can be read, what the operator allows asked anew each time."""

from typing import Any

from django.conf import settings as django_settings

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.sources.addresses import host_allowed, target_of
from liaoyuan.knowledge.sources.connector import Connector
from liaoyuan.knowledge.sources.errors import CredentialsLost, SourceNotAllowed
from liaoyuan.knowledge.sources.folder import Folder
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.knowledge.sources.s3 import Bucket
from liaoyuan.knowledge.sources.sealing import SealBroken, unseal
from liaoyuan.knowledge.sources.settings import (
    HOSTS,
    FolderSettings,
    S3Settings,
    Settings,
    WebSettings,
    credentials_read,
    endpoint_check,
    root_check,
    roots_allowed,
    settings_read,
)
from liaoyuan.knowledge.sources.web import Web


def organization_names() -> tuple[str, str]:
    """By what the operator's settings may name the current organization: id and name."""
    organization = Organization.objects.get(id=current_tenant().organization_id)
    return str(organization.id), organization.name


def source_open(source: Source) -> Connector:
    """Call it inside the tenant context. Raises SourceNotAllowed, SourceInvalid, CredentialsLost."""
    credentials: dict[str, Any] = {}
    if source.sealed:
        try:
            credentials = unseal(source.sealed, organization_id=source.organization_id, source_id=source.id)
        except SealBroken as error:
            raise CredentialsLost(name=source.name) from error
    return connector_of(settings_read(source.kind, source.settings), credentials)


def connector_of(settings: Settings, credentials: dict[str, Any]) -> Connector:
    """Likewise, of settings that were not stored yet."""
    if isinstance(settings, FolderSettings):
        return Folder(settings, root_check(settings.root, organization_names()))
    if isinstance(settings, S3Settings):
        endpoint_check(settings.endpoint)
        return Bucket(settings, credentials_read(credentials))
    return _web(settings)


def _web(settings: WebSettings) -> Web:
    if not django_settings.SOURCE_WEB_HOSTS:
        raise SourceNotAllowed(place=settings.urls[0][:200], setting=HOSTS)
    for url in settings.urls:
        host_allowed(target_of(url))
    return Web(settings)


def kinds_allowed() -> dict[str, list[str]]:
    """What the operator opened to the current organization, by kind; an empty list means that there is nothing."""
    return {
        "folder": roots_allowed(organization_names()),
        "s3": list(django_settings.SOURCE_S3_ENDPOINTS),
        "web": list(django_settings.SOURCE_WEB_HOSTS),
    }
