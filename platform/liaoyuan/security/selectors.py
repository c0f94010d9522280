"""Questions to the security stage; ask inside ``tenant_context``."""

from collections.abc import Sequence
from uuid import UUID

from liaoyuan.security.models import ComplianceReport, ControlResult


def compliance_latest(deployment_id: UUID) -> ComplianceReport | None:
    """The newest report on a deployment, passed or not."""
    return ComplianceReport.objects.filter(deployment_id=deployment_id).order_by("-created_at").first()


def control_results(report_id: UUID) -> Sequence[ControlResult]:
    """The controls of one report, in the order of their names."""
    return list(ControlResult.objects.filter(report_id=report_id).order_by("control"))


def report_of_run(run_id: UUID) -> ComplianceReport | None:
    """What a security run proved at its last attempt, passed or not."""
    return ComplianceReport.objects.select_related("policy").filter(run_id=run_id).order_by("-created_at").first()
