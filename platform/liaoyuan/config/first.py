"""The first start: secrets, an operator and an organization, so that somebody can come in at all."""

from pathlib import Path

from django.conf import settings
from django.db import connections

from liaoyuan.accounts.models import Organization, Role, User
from liaoyuan.accounts.services import login_link_create, member_add, organization_create
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.config.environment import local_secret

OPERATOR = "operator@localhost"
ORGANIZATION = {"zh": "我的组织", "en": "My organization"}


def first_start(language: str) -> list[str]:
    """Make what is missing; a sentence for each thing that was made. Changes nothing the second time."""
    said = []
    if not (Path(settings.VAR) / "secrets" / "metrics_token").exists():
        local_secret(Path(settings.VAR), "metrics_token")
        said.append("the token for /metrics is in var/secrets/metrics_token")
    operator = operator_first()
    if operator is None:
        operator = User.objects.create_superuser(OPERATOR, name="Operator")
        said.append(f"there was no operator: {operator.email} is the first one (without a password yet)")
    with system_context("is there an organization") as alias:
        empty = not Organization.objects.using(alias).exists()
    if empty:
        organization, _ = organization_create(name=ORGANIZATION[language])
        with tenant_context(organization.id):
            member_add(user=operator, role=Role.OWNER)
        said.append(f"there was no organization: “{organization.name}” is the first one, owned by {operator.email}")
    return said


def operator_first() -> User | None:
    """The operator for whom the one-time link is: the oldest account of the platform's staff."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("-is_superuser", "date_joined").first()


def operator_link() -> tuple[str, str] | None:
    """(address, path of a fresh one-time link) of the first operator; None where there is no operator."""
    try:
        operator = operator_first()
        return None if operator is None else (operator.email, login_link_create(user=operator))
    finally:
        # The supervisor forks its children: none of them may inherit our connection.
        connections.close_all()
