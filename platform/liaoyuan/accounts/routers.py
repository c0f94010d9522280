"""Only the owner role may change tables."""

from typing import Any


class OwnerMigrates:
    """Migrations run on the alias ``owner`` alone; reads and writes stay on the alias that the code names."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def allow_relation(self, first: object, second: object, **hints: Any) -> bool:
        return True
