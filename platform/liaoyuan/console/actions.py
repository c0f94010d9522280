"""What operators' entries in the chain are called."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

ACTIONS: Final[dict[str, Any]] = {
    "console.jobs": _("looked at the list of jobs"),
    "console.job": _("looked at a job"),
    "console.organization": _("looked at the organization"),
    "console.run_cancel": _("cancelled a job"),
    "console.run_retry": _("retried a job"),
    "console.run_requeue": _("requeued a job"),
    "console.organization_create": _("created the organization"),
    "console.organization_suspend": _("suspended the organization"),
    "console.organization_resume": _("resumed the organization"),
    "console.owner_invite": _("invited an owner"),
    "console.quota_change": _("changed the quota"),
    "console.audit_verify": _("verified an audit chain"),
    "console.pack_test": _("tested a pack"),
    "console.pack_validate": _("validated a pack"),
    "console.model_probe": _("probed the model server"),
    "console.support_bundle": _("downloaded a support bundle"),
    "operator.add": _("became an operator"),
    "operator.remove": _("is no operator any more"),
    "break-glass.change": _("changed a row in break-glass"),
    "break-glass.look": _("opened break-glass"),
}


def action_words(action: str) -> str:
    """In the page's language; the bare action for one that has no words."""
    return str(ACTIONS.get(action, action))
