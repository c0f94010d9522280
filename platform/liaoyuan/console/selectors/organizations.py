"""Organizations as an operator sees them: how many of everything, never what it says."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from liaoyuan.accounts.models import ApiKey, Invitation, Member, Organization, Role
from liaoyuan.accounts.tenancy import system_context, tenant_context
from liaoyuan.compute.models import Reservation
from liaoyuan.compute.selectors import reservations_live
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import Document
from liaoyuan.operations.models import DailyRollup, Trace
from liaoyuan.pipeline.models import FINAL_STATES, Artifact, Solution, StageRun

PER_PAGE: Final = 20
MONTH: Final = timedelta(days=30)


@dataclass(frozen=True)
class Usage:
    """What belongs to one organization. ``storage`` in bytes, ``tokens_today`` since midnight UTC, cost of 30 days."""

    documents: int
    storage: int
    solutions: int
    tokens_today: int
    tokens_month: int
    answers_month: int
    cost_month: float
    reserved_bytes: int

    def quota_share(self, quota: int) -> float:
        """0..1 of today's tokens; 1 for a quota of nothing."""
        return min(self.tokens_today / quota, 1.0) if quota > 0 else 1.0


@dataclass(frozen=True)
class OrganizationRow:
    """One line of the list."""

    organization: Organization
    members: int
    owners: int
    open_runs: int
    runs: int
    usage: Usage


@dataclass(frozen=True)
class MemberShown:
    """Who may be written to about the organization: its owners, by address; the others are a number."""

    email: str
    role: str
    active: bool


@dataclass(frozen=True)
class OrganizationShown:
    """One organization's page."""

    row: OrganizationRow
    owners: list[MemberShown]
    roles: list[tuple[str, int]]
    keys: int
    invitations: list[Invitation]
    states: list[tuple[str, int]]


def organization_page(*, text: str = "", number: int | str = 1) -> tuple[Page[Organization], list[OrganizationRow]]:
    """A page of organizations by name (those whose name contains ``text``), with their numbers."""
    with system_context("organizations") as alias:
        found = Organization.objects.using(alias).order_by("name")
        if text:
            found = found.filter(name__icontains=text)
        page = Paginator(found, PER_PAGE).get_page(number)
        organizations = list(page.object_list)
        rows = _rows(organizations, alias)
    return page, rows


def organization_choices() -> list[tuple[UUID, str]]:
    """(id, name) of all, for a filter."""
    with system_context("names of organizations") as alias:
        return list(Organization.objects.using(alias).order_by("name").values_list("id", "name"))


def organization_get(organization_id: UUID) -> Organization:
    """Raises NotFound."""
    with system_context("an organization") as alias:
        found = Organization.objects.using(alias).filter(id=organization_id).first()
    if found is None:
        raise NotFound
    return found


def organization_shown(organization_id: UUID) -> OrganizationShown:
    """Everything that the page of one organization shows. Raises NotFound."""
    organization = organization_get(organization_id)
    with system_context("one organization") as alias:
        row = _rows([organization], alias)[0]
        members = Member.objects.using(alias).filter(organization_id=organization_id)
        owners = members.filter(role=Role.OWNER).select_related("user").order_by("created_at")
        owner_rows = [MemberShown(m.user.email, m.role, m.disabled_at is None and m.user.is_active) for m in owners]
        active = members.filter(disabled_at__isnull=True)
        roles = list(active.values_list("role").annotate(n=Count("id")).order_by("-n"))
        keys = ApiKey.objects.using(alias).filter(organization_id=organization_id, revoked_at__isnull=True).count()
        open_ = Invitation.objects.using(alias).filter(organization_id=organization_id, accepted_at__isnull=True)
        invitations = list(open_.filter(expires_at__gt=timezone.now(), revoked_at__isnull=True).order_by("expires_at"))
        runs = StageRun.objects.using(alias).filter(organization_id=organization_id)
        states = list(runs.values_list("state").annotate(n=Count("id")).order_by("-n"))
    return OrganizationShown(row, owner_rows, roles, keys, invitations, states)


def _rows(organizations: list[Organization], alias: str) -> list[OrganizationRow]:
    ids = [organization.id for organization in organizations]
    active = Member.objects.using(alias).filter(organization_id__in=ids, disabled_at__isnull=True)
    owner = Count("id", filter=Q(role=Role.OWNER))
    members = {row[0]: row[1:] for row in active.values_list("organization_id").annotate(n=Count("id"), o=owner)}
    runs = StageRun.objects.using(alias).filter(organization_id__in=ids)
    still = Count("id", filter=~Q(state__in=FINAL_STATES))
    counts = {
        row[0]: row[1:] for row in runs.values_list("organization_id").annotate(n=Count("id"), o=still).order_by()
    }
    return [
        OrganizationRow(
            organization=each,
            members=members.get(each.id, (0, 0))[0],
            owners=members.get(each.id, (0, 0))[1],
            open_runs=counts.get(each.id, (0, 0))[1],
            runs=counts.get(each.id, (0, 0))[0],
            usage=usage(each.id),
        )
        for each in organizations
    ]


def usage(organization_id: UUID) -> Usage:
    """Counts and sums, asked in the organization's own context: the system role may not read these tables."""
    now = timezone.now()
    midnight = datetime.combine(now.astimezone(UTC).date(), time.min, tzinfo=UTC)
    tokens = Sum(F("prompt_tokens") + F("completion_tokens"), default=0)
    with tenant_context(organization_id):
        today = Trace.objects.filter(created_at__gte=midnight).aggregate(n=tokens)["n"]
        month = DailyRollup.objects.filter(day__gte=(now - MONTH).date()).aggregate(
            tokens=tokens, n_answers=Sum("answers", default=0), n_cost=Sum("cost", default=0.0)
        )
        reserved = reservations_live(Reservation.objects.all()).aggregate(n=Sum("memory_bytes", default=0))["n"]
        return Usage(
            documents=Document.objects.filter(erased_at__isnull=True).count(),
            storage=Artifact.objects.aggregate(n=Sum("size", default=0))["n"],
            solutions=Solution.objects.count(),
            tokens_today=today,
            tokens_month=month["tokens"],
            answers_month=month["n_answers"],
            cost_month=month["n_cost"],
            reserved_bytes=reserved,
        )
