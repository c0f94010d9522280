"""Collections come into being by name."""

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.models import Collection


def collection_create(*, name: str) -> tuple[Collection, bool]:
    """The collection called ``name`` in the current organization, and whether it is new."""
    tenant = current_tenant()
    return Collection.objects.get_or_create(
        organization_id=tenant.organization_id, name=name.strip(), defaults={"created_by": tenant.user_id}
    )
