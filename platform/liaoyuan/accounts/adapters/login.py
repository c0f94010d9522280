"""allauth's hook: accounts come by invitation, never by open sign-up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):
    """Closes open sign-up; an accepted invitation creates the user."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
