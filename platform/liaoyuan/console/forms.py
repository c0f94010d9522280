"""What operators may type; rules live in services."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from liaoyuan.console.selectors.organizations import organization_choices
from liaoyuan.console.selectors.runs import BAD, OPEN, STUCK, Filters, cursor_read
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import RunState
from liaoyuan.pipeline.services.doorbells import QUEUES

STATES: dict[str, Any] = {
    RunState.WAITING: _("waiting"),
    RunState.QUEUED: _("queued"),
    RunState.RUNNING: _("running"),
    RunState.CANCELLING: _("cancelling"),
    RunState.SUCCEEDED: _("succeeded"),
    RunState.FAILED: _("failed"),
    RunState.ERRORED: _("errored"),
    RunState.DEAD: _("dead"),
    RunState.CANCELLED: _("cancelled"),
}
AGES = ((0, _("any age")), (1, _("over 1 hour")), (24, _("over 1 day")), (168, _("over 7 days")))


class JobFilter(forms.Form):
    """The list's filter; what is not one of the choices narrows nothing."""

    organization = forms.TypedChoiceField(label=_("Organization"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("all states")),
            (OPEN, _("not ended yet")),
            (BAD, _("ended badly")),
            (STUCK, _("lease is over")),
            *STATES.items(),
        ],
    )
    queue = forms.ChoiceField(
        label=_("Queue"), required=False, choices=[("", _("all queues")), *((name, name) for name in QUEUES)]
    )
    stage = forms.ChoiceField(
        label=_("Stage"),
        required=False,
        choices=[("", _("all stages")), *((name.value, name.value) for name in StageName)],
    )
    age = forms.TypedChoiceField(label=_("Age"), required=False, coerce=int, empty_value=None, choices=AGES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(key), name) for key, name in organization_choices()]
        self.fields["organization"].choices = [("", _("all organizations")), *names]  # type: ignore[attr-defined]

    def filters(self) -> Filters:
        """What the address asks for."""
        self.is_valid()
        found = getattr(self, "cleaned_data", {})
        organization = found.get("organization")
        return Filters(
            organization=UUID(organization) if organization else None,
            state=found.get("state", ""),
            queue=found.get("queue", ""),
            stage=found.get("stage", ""),
            older_than=found.get("age") or 0,
            before=cursor_read(self.data.get("before", "")),
            after=cursor_read(self.data.get("after", "")),
        )


class NewOrganization(forms.Form):
    """Its name and who owns it first."""

    name = forms.CharField(label=_("Name"), max_length=120)
    owner_email = forms.EmailField(
        label=_("E-mail of the first owner"), help_text=_("You get a link to hand over; it works once, for seven days.")
    )


class OwnerForm(forms.Form):
    email = forms.EmailField(label=_("E-mail of the new owner"))


class QuotaForm(forms.Form):
    daily_tokens = forms.IntegerField(
        label=_("Tokens a day"), min_value=0, help_text=_("Counted from midnight UTC; 0 lets nobody ask.")
    )


class SuspendForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=300, help_text=_("Stands in the organization's audit log."))
