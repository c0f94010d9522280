"""Checks across the files of a pack: every name that one file uses is there in another."""

from collections.abc import Iterator

from liaoyuan.industry.errors import IndustryError, PackInvalid
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec


def pack_inconsistencies(pack: IndustryPack) -> list[IndustryError]:
    """One error for every reference that leads nowhere."""
    return [PackInvalid(file=file, problem=problem) for file, problem in _all(pack)]


def _all(pack: IndustryPack) -> Iterator[tuple[str, str]]:
    if pack.root.name != pack.name:
        yield "industry.toml", f"name is {pack.name!r} and the folder is {pack.root.name!r}; they must agree"
    yield from _scenario_list(pack)
    yield from _documents(pack)
    for scenario in pack.scenarios.values():
        yield from _scenario(pack, scenario)


def _scenario_list(pack: IndustryPack) -> Iterator[tuple[str, str]]:
    listed = set(pack.spec.scenarios)
    for name in sorted(listed ^ set(pack.scenarios)):
        if name in listed:
            yield f"scenarios/{name}.toml", "industry.toml lists it, and it is missing or cannot be read"
        else:
            yield "industry.toml", f"scenarios does not list {name}"


def _documents(pack: IndustryPack) -> Iterator[tuple[str, str]]:
    listed = {document.file for document in pack.documents.documents}
    present = {name.removeprefix("documents/") for name in pack.files if name.startswith("documents/")}
    for file in sorted(listed - present):
        yield f"documents/{file}", "documents.toml lists it, and it is missing"
    for file in sorted(present - listed):
        yield f"documents/{file}", "documents.toml does not list it"


def _scenario(pack: IndustryPack, scenario: ScenarioSpec) -> Iterator[tuple[str, str]]:
    where = f"scenarios/{scenario.name}.toml"
    roles = {role.name for role in pack.spec.roles}
    for user in scenario.users:
        if user not in roles:
            yield where, f"users names {user}, which is no role of industry.toml"
    for kind, folder, names in _references(scenario):
        available = {"prompts": pack.prompts, "lexicon": pack.lexicons, "evaluation": pack.evaluations}[folder]
        for name in names:
            if name not in available:
                yield where, f"{kind} names {folder}/{name}, which is missing or cannot be read"
    for gate in scenario.gates:
        check = gate.metric.removeprefix("domain.")
        if gate.metric.startswith("domain.") and check not in pack.spec.checks:
            yield where, f"gate {gate.name} uses domain.{check}, which industry.toml does not declare in checks"
    yield from _questions(pack, scenario)


def _references(scenario: ScenarioSpec) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    policy = scenario.guardrail
    yield "prompts", "prompts", (scenario.prompts.zh, scenario.prompts.en)
    yield "lexicon", "lexicon", scenario.lexicon
    yield "guardrail.must_refuse", "lexicon", tuple(rule.lexicon for rule in policy.must_refuse)
    yield "guardrail.escalations", "lexicon", tuple(rule.lexicon for rule in policy.escalations)
    yield "guardrail.keyword_files", "lexicon", policy.keyword_files
    yield "evaluation", "evaluation", (scenario.evaluation.gate, scenario.evaluation.demo)


def _questions(pack: IndustryPack, scenario: ScenarioSpec) -> Iterator[tuple[str, str]]:
    stems = [document.stem for document in pack.documents.documents]
    titles = [document.title for document in pack.documents.documents]
    for file in (scenario.evaluation.gate, scenario.evaluation.demo):
        questions = pack.evaluations.get(file, ())
        if file in pack.evaluations and not questions:
            yield f"evaluation/{file}", "it holds no readable question"
        for question in questions:
            if question.language not in scenario.languages:
                yield f"evaluation/{file}", f"{question.id}: the scenario does not speak {question.language}"
            for document, _locator in question.gold:
                if not any(known.startswith(document) for known in stems + titles):
                    yield f"evaluation/{file}", f"{question.id}: no document is called {document}"
