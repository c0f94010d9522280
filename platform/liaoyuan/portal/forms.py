"""What people type on the portal's own pages."""

from django import forms
from django.utils.translation import gettext_lazy as _


class InvitationForm(forms.Form):
    """The token of an invitation, and for a new person a name and a password."""

    token = forms.CharField(label=_("Invitation code"), max_length=200, widget=forms.TextInput({"autocomplete": "off"}))
    name = forms.CharField(label=_("Your name"), max_length=120, required=False)
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Leave it empty if you have an account here already."),
    )
