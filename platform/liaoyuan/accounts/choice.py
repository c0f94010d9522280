"""In which organization a signed-in user works: chosen on the page, kept in the session, checked at every request."""

from uuid import UUID

from django.http import HttpRequest

CHOSEN = "organization"


def organization_chosen(request: HttpRequest) -> UUID | None:
    """The choice in the session; None where there was none."""
    chosen = request.session.get(CHOSEN)
    return UUID(chosen) if chosen else None


def organization_choose(request: HttpRequest, organization_id: UUID) -> None:
    """Remember the choice. Membership is checked when the principal is resolved, not trusted from here."""
    request.session[CHOSEN] = str(organization_id)
