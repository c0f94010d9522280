"""Invitations: made, given a new link, taken back, accepted."""

from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from liaoyuan.accounts.models import Invitation
from liaoyuan.accounts.services import invitation_accept, invitation_create, invitation_renew, invitation_revoke
from liaoyuan.api.rest.door import ApiRequest, limit_take, operation
from liaoyuan.api.rest.pages import Page, page
from liaoyuan.api.rest.present import invitation_fields, invitation_out
from liaoyuan.api.rest.schemas.people import (
    InvitationAnswer,
    InvitationMade,
    InvitationNew,
    InvitationOut,
    InvitationsQuery,
    Joined,
)

router = Router(tags=["people"])


@operation(router, "GET", "/invitations", action="member.manage", response=Page[InvitationOut])
def invitations_list(
    request: ApiRequest, response: HttpResponse, query: Query[InvitationsQuery]
) -> Page[InvitationOut]:
    """Who was invited, and what became of it. Tokens are kept nowhere."""
    rows = Invitation.objects.all()
    if query.open is not None:
        still = Q(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())
        rows = rows.filter(still if query.open else ~still)
    return page(request, response, query, rows, invitation_out, sort=query.sort)


@operation(router, "POST", "/invitations", action="member.manage", response={201: InvitationMade})
def invitation_new(request: ApiRequest, body: InvitationNew) -> "Status[InvitationMade]":
    """Invite a person. The token is shown this once; give it to them over a channel that you trust."""
    return _made(*invitation_create(email=body.email, role=body.role, groups=tuple(body.groups)))


@router.post(
    "/invitations/accept",
    auth=None,
    response={201: Joined},
    operation_id="invitation_take",
    openapi_extra={"x-action": "", "x-rate-limit": "open"},
)
def invitation_take(request: ApiRequest, body: InvitationAnswer) -> "Status[Joined]":
    """Join with a token; open to anybody who has one. A person who is known already keeps their password."""
    limit_take(request, "open", request.META.get("REMOTE_ADDR") or "unknown")
    member = invitation_accept(token=body.token, password=body.password, name=body.name)
    return Status(201, Joined(organization_id=member.organization_id, role=member.role))


@operation(router, "POST", "/invitations/{invitation_id}/renew", action="member.manage", response={201: InvitationMade})
def invitation_again(request: ApiRequest, invitation_id: UUID) -> "Status[InvitationMade]":
    """A new token and a new end for an invitation that is still open; the old token is worth nothing from now on."""
    return _made(*invitation_renew(invitation_id=invitation_id))


@operation(router, "DELETE", "/invitations/{invitation_id}", action="member.manage", response={204: None})
def invitation_end(request: ApiRequest, invitation_id: UUID) -> "Status[None]":
    """Take an invitation back: its link opens nothing any more."""
    invitation_revoke(invitation_id=invitation_id)
    return Status(204, None)


def _made(invitation: Invitation, token: str) -> "Status[InvitationMade]":
    shown = InvitationMade(**invitation_fields(invitation), token=token, address=f"/invitation#{token}")
    return Status(201, shown)
