"""How much an organization may still spend today."""

from datetime import UTC, datetime, time

from django.db.models import F, Sum
from django.utils import timezone

from liaoyuan.accounts.models import Organization
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.errors import LiaoyuanError
from liaoyuan.operations.models import Trace


class QuotaUsedUp(LiaoyuanError):
    code = "insufficient_quota"
    zh = "贵组织今天的 {quota} 个 token 已用完，明天（UTC）恢复。请联系组织的所有者调整额度。"
    en = "Your organization used up today's {quota} tokens; they are back tomorrow (UTC). An owner can raise the quota."
    status = 429


def budget_check() -> None:
    """Ask inside the tenant context, before an answer is begun. Raises QuotaUsedUp."""
    organization_id = current_tenant().organization_id
    quota = Organization.objects.values_list("daily_token_quota", flat=True).get(id=organization_id)
    if tokens_today() >= quota:
        raise QuotaUsedUp(quota=quota)


def tokens_today() -> int:
    """Tokens of the current organization since midnight UTC, when its quota begins anew."""
    today = datetime.combine(timezone.now().astimezone(UTC).date(), time.min, tzinfo=UTC)
    tokens = Sum(F("prompt_tokens") + F("completion_tokens"), default=0)
    return int(Trace.objects.filter(created_at__gte=today).aggregate(tokens=tokens)["tokens"])
