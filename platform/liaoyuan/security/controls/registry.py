"""The allow-list: the name of a check in a pack, and the function that proves it. A pack never brings its own."""

from collections.abc import Mapping

from liaoyuan.security.controls import answering, database, files, guarding
from liaoyuan.security.controls.base import Control
from liaoyuan.security.errors import ControlUnknown

CHECKS: Mapping[str, Control] = {
    "rls_forced": database.rls_forced,
    "isolation_probe": database.isolation_probe,
    "audit_chain": database.audit_chain,
    "lineage_complete": database.lineage_complete,
    "guard_redteam": guarding.guard_redteam,
    "over_refusal": guarding.over_refusal,
    "pii_leak": guarding.pii_leak,
    "citation_required": answering.citation_required,
    "secret_files_private": files.secret_files_private,
}


def check_get(name: str, *, control: str) -> Control:
    """The check called `name`. Raises ControlUnknown, which lists what is allowed."""
    if name not in CHECKS:
        raise ControlUnknown(control=control, check=name, known=", ".join(sorted(CHECKS)))
    return CHECKS[name]
