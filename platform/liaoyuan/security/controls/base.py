"""What a control's check is given and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.security.guard.policy import CompiledPolicy


@dataclass(frozen=True)
class Subject:
    """The deployment under examination."""

    organization_id: UUID
    deployment_id: UUID
    pack: IndustryPack
    scenario: ScenarioSpec
    policy: CompiledPolicy
    key: bytes


@dataclass(frozen=True)
class Measurement:
    """`value` in 0..1 (1.0 or 0.0 for yes-or-no checks); `evidence` holds counts, ids and queries, never texts.

    `advice` says in both languages what to do when the value is not good enough.
    """

    value: float
    evidence: Mapping[str, Any] = field(default_factory=dict)
    advice_zh: str = ""
    advice_en: str = ""


Control = Callable[[Subject], Measurement]
