"""What the wizard's steps show: industries, scenarios with all that they ask and promise, sample documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get, industry_survey
from liaoyuan.pipeline.models import Solution, SolutionDraft
from liaoyuan.portal.stages.words import GATES

STEPS: Final = (
    ("industry", _("Industry")),
    ("scenario", _("Scenario")),
    ("documents", _("Documents")),
    ("plan", _("Plan")),
)
LANGUAGES: Final = {"zh": _("Chinese"), "en": _("English")}
WAYS: Final = {"extractive": _("quotes the documents"), "generative": _("writes, and is checked against the documents")}
KINDS_OF_DOCUMENT: Final = {
    "policy": _("policy"),
    "procedure": _("procedure"),
    "guideline": _("guideline"),
    "table": _("table"),
    "notice": _("notice"),
    "training": _("training material"),
    "form": _("form sheet"),
}
ICONS: Final = {"medical": "hospital", "energy": "zap", "education": "graduation-cap"}
PERCENTAGES: Final = ("_ms", "ratio")


@dataclass(frozen=True)
class Step:
    """One of the four; ``address`` is empty for those that cannot be entered yet."""

    name: str
    title: Any
    state: str
    address: str


@dataclass(frozen=True)
class IndustryCard:
    name: str
    icon: str
    title: str
    description: str
    version: str
    signed_by: str
    scenarios: Sequence[str]
    documents: int
    never: Sequence[str]


@dataclass(frozen=True)
class RefusedPack:
    """A pack that is there and cannot be used, with the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class GateLine:
    title: Any
    help: Any
    threshold: str


@dataclass(frozen=True)
class ScenarioCard:
    """Everything that a choice between scenarios rests on, in the reader's language."""

    name: str
    title: str
    description: str
    users: Sequence[str]
    needed: Sequence[str]
    welcome: Sequence[str]
    languages: Sequence[tuple[Any, Any]]
    gates: Sequence[GateLine]
    refuses: Sequence[str]
    hands_over: Sequence[str]
    controls: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SampleDocument:
    title: str
    kind: Any
    language: Any
    file: str


def industry_cards(language: str) -> tuple[list[IndustryCard], list[RefusedPack]]:
    """The packs in order, and those that are refused."""
    packs, refused = industry_survey()
    told = [RefusedPack(name, error.sentence(language)) for name, error in refused.items()]
    return [_industry(pack, language) for pack in packs], told


def scenario_cards(industry: str, language: str) -> list[ScenarioCard]:
    """Raises IndustryError where the pack is gone or refused."""
    pack = industry_get(industry)
    return [_scenario(pack, scenario, language) for scenario in pack.scenarios.values()]


def sample_documents(industry: str) -> list[SampleDocument]:
    """The documents that the pack brings, those in force."""
    found = industry_get(industry).documents
    return [
        SampleDocument(each.title, KINDS_OF_DOCUMENT[each.kind], LANGUAGES[each.language], each.file)
        for each in found.documents
        if each.file not in found.superseded
    ]


def name_suggested(title: str) -> str:
    """``title``, or with the first number that makes it a new name."""
    taken = set(Solution.objects.filter(name__startswith=title).values_list("name", flat=True))
    names = (title, *(f"{title} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def furthest(draft: SolutionDraft) -> str:
    """The step where the person goes on."""
    if not draft.scenario:
        return "scenario"
    return "plan" if draft.source else "documents"


def _industry(pack: IndustryPack, language: str) -> IndustryCard:
    return IndustryCard(
        name=pack.name,
        icon=ICONS.get(pack.name, "building-2"),
        title=pack.spec.title.in_language(language),
        description=pack.spec.description.in_language(language),
        version=pack.spec.version,
        signed_by=pack.signed_by,
        scenarios=[scenario.title.in_language(language) for scenario in pack.scenarios.values()],
        documents=len(pack.documents.documents),
        never=[lock.title.in_language(language) for lock in pack.spec.locks],
    )


def _scenario(pack: IndustryPack, scenario: ScenarioSpec, language: str) -> ScenarioCard:
    roles = {role.name: role.title.in_language(language) for role in pack.spec.roles}
    policy = scenario.guardrail
    return ScenarioCard(
        name=scenario.name,
        title=scenario.title.in_language(language),
        description=scenario.description.in_language(language),
        users=[roles.get(user, user) for user in scenario.users],
        needed=[each.title.in_language(language) for each in scenario.documents if each.required],
        welcome=[each.title.in_language(language) for each in scenario.documents if not each.required],
        languages=[(LANGUAGES[each], WAYS[scenario.answerer.mode(each)]) for each in scenario.languages],
        gates=[_gate(gate) for gate in scenario.gates],
        refuses=[rule.message.in_language(language) for rule in policy.must_refuse],
        hands_over=[rule.to.in_language(language) for rule in policy.escalations],
        controls=[(control.id, control.title.in_language(language)) for control in pack.spec.controls],
    )


def _gate(gate: Any) -> GateLine:
    title, told = GATES.get(gate.metric, (gate.name, ""))
    sign = "≥" if gate.at_least is not None else "≤"
    share = not any(part in gate.metric for part in PERCENTAGES)
    value = f"{gate.threshold:.0%}" if share else f"{gate.threshold:g}"
    return GateLine(title, told, f"{sign} {value}")
