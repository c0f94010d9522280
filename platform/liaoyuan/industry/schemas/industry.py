"""industry.toml: who the industry is, its roles, its controls and what must never happen."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from liaoyuan.industry.schemas.base import Identifier, Name, Sentence, Spec, Text

Version = Annotated[str, StringConstraints(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$")]
PlatformRole = Literal["owner", "steward", "annotator", "developer", "auditor", "viewer"]
ControlCheck = Literal[
    "rls_forced",
    "isolation_probe",
    "guard_redteam",
    "over_refusal",
    "pii_leak",
    "citation_required",
    "audit_chain",
    "lineage_complete",
]


class Role(Spec):
    """A role of this industry's people and the platform role whose rights it has."""

    name: Name
    title: Text
    base: PlatformRole


class Control(Spec):
    """One line of the compliance report: a requirement, where it comes from, and the check that proves it."""

    id: Identifier
    title: Text
    source: Sentence
    check: ControlCheck
    at_least: float | None = Field(default=None, ge=0, le=1)
    at_most: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _at_most_one_side(self) -> "Control":
        if self.at_least is not None and self.at_most is not None:
            raise ValueError("give at_least or at_most, not both; leave both out for a yes-or-no check")
        return self

    def passed(self, value: float) -> bool:
        """Whether the measured ``value`` meets the control; a yes-or-no check measures 1.0 or 0.0."""
        if self.at_most is not None:
            return value <= self.at_most
        return value >= (1.0 if self.at_least is None else self.at_least)


class Lock(Spec):
    """Something that must never happen, and the controls (by id) that watch it."""

    id: Name
    title: Text
    enforced_by: tuple[Identifier, ...] = Field(min_length=1)


class IndustrySpec(Spec):
    """industry.toml as a whole."""

    format: Literal[1]
    name: Name
    version: Version
    licence: Literal["CC0-1.0", "CC-BY-4.0", "Apache-2.0", "MIT", "Proprietary"]
    title: Text
    description: Text
    scenarios: tuple[Name, ...] = Field(min_length=1)
    formats: tuple[Name, ...] = ()
    checks: tuple[Name, ...] = ()
    roles: tuple[Role, ...] = Field(min_length=1)
    controls: tuple[Control, ...] = Field(min_length=1)
    locks: tuple[Lock, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_agree(self) -> "IndustrySpec":
        _refuse_repeats("scenarios", self.scenarios)
        _refuse_repeats("roles", [role.name for role in self.roles])
        _refuse_repeats("controls", [control.id for control in self.controls])
        _refuse_repeats("locks", [lock.id for lock in self.locks])
        known = {control.id for control in self.controls}
        for lock in self.locks:
            for control in lock.enforced_by:
                if control not in known:
                    raise ValueError(f"lock {lock.id} names the control {control}, which is not in [[controls]]")
        return self

    @property
    def version_key(self) -> tuple[int, ...]:
        """For comparing versions: (major, minor, patch)."""
        return tuple(int(part) for part in self.version.split("."))


def _refuse_repeats(where: str, names: "tuple[str, ...] | list[str]") -> None:
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise ValueError(f"{where} repeats {', '.join(repeated)}")
