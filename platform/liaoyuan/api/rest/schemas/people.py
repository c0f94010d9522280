"""Oneself, members, invitations, keys, the organization."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from liaoyuan.accounts.models import Role
from liaoyuan.api.rest.pages import PageQuery
from liaoyuan.api.rest.schemas.base import Body, Email, Group, Name, Text


class MembersQuery(PageQuery):
    role: Role | None = None
    disabled: bool | None = None
    sort: Literal["created_at", "-created_at"] = "created_at"


class MemberChange(Body):
    """What is left out stays."""

    role: Role | None = None
    groups: Annotated[list[Group] | None, Field(max_length=50)] = None


class InvitationNew(Body):
    email: Email
    role: Role
    groups: Annotated[list[Group], Field(max_length=50)] = []


class InvitationAnswer(Body):
    token: Annotated[Text, Field(min_length=20, max_length=200)]
    password: Annotated[Text, Field(max_length=200)] = ""
    name: Annotated[Text, Field(max_length=120)] = ""


class InvitationsQuery(PageQuery):
    open: Annotated[bool | None, Field(description="still to be accepted: not accepted, revoked or expired")] = None
    sort: Literal["-created_at", "created_at"] = "-created_at"


class KeyNew(Body):
    name: Annotated[Name, Field(max_length=80, examples=["ward tablet"])]
    scopes: Annotated[
        list[Annotated[str, Field(max_length=40, pattern=r"^[a-z_.]+$")]],
        Field(min_length=1, max_length=60, examples=[["ask"]]),
    ]
    days: Annotated[int, Field(ge=1, le=365)] = 90


class KeysQuery(PageQuery):
    sort: Literal["-created_at", "created_at"] = "-created_at"


class OrganizationChange(Body):
    name: Annotated[Name, Field(examples=["City Hospital"])]


class Me(Schema):
    """Who the caller is here, and what they may do."""

    user_id: UUID
    organization_id: UUID
    organization: str
    role: Annotated[str, Field(examples=["developer"])]
    groups: list[str]
    channel: Annotated[str, Field(examples=["key"])]
    actions: Annotated[list[str], Field(examples=[["ask", "solution.view"]])]


class MemberOut(Schema):
    id: UUID
    email: Annotated[str, Field(examples=["li.wei@example.org"])]
    name: str
    role: Annotated[str, Field(examples=["developer"])]
    groups: list[str]
    disabled_at: datetime | None


class InvitationOut(Schema):
    id: UUID
    email: Annotated[str, Field(examples=["li.wei@example.org"])]
    role: Annotated[str, Field(examples=["viewer"])]
    groups: list[str]
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class InvitationMade(InvitationOut):
    """``token`` is shown this once; give it to the person over a channel that you trust."""

    token: str
    address: Annotated[str, Field(description="path of the page that accepts it")]


class Joined(Schema):
    organization_id: UUID
    role: Annotated[str, Field(examples=["viewer"])]


class KeyOut(Schema):
    id: UUID
    name: Annotated[str, Field(examples=["ward tablet"])]
    prefix: Annotated[str, Field(examples=["9f2c61d0a4b7"])]
    scopes: Annotated[list[str], Field(examples=[["ask"]])]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """``key`` is shown this once."""

    key: Annotated[str, Field(examples=["ly_9f2c61d0a4b7_…"])]


class OrganizationOut(Schema):
    id: UUID
    name: Annotated[str, Field(examples=["City Hospital"])]
    daily_token_quota: int
    tokens_today: Annotated[int, Field(description="used since midnight UTC")]
    created_at: datetime
