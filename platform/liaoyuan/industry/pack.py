"""A pack as the rest of the platform sees it: read once, verified, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from liaoyuan.industry.errors import ScenarioUnknown
from liaoyuan.industry.files import PackFiles
from liaoyuan.industry.lexicon import LexiconEntry
from liaoyuan.industry.pack_code import code_import
from liaoyuan.industry.plugin import PackCode
from liaoyuan.industry.prompts import prompt_render
from liaoyuan.industry.schemas import DocumentSpec, DocumentsSpec, IndustrySpec, Question, ScenarioSpec


@dataclass(frozen=True)
class IndustryPack:
    """``signed_by`` is the trusted key's name, or "unsigned"; ``root`` is the folder it was read from."""

    spec: IndustrySpec
    root: Path
    signed_by: str
    scenarios: Mapping[str, ScenarioSpec]
    documents: DocumentsSpec
    prompts: Mapping[str, str]
    lexicons: Mapping[str, tuple[LexiconEntry, ...]]
    evaluations: Mapping[str, tuple[Question, ...]]
    files: PackFiles

    @property
    def name(self) -> str:
        return self.spec.name

    def scenario(self, name: str) -> ScenarioSpec:
        """The scenario by name.

        Raises:
            ScenarioUnknown: with the names that there are.
        """
        if name not in self.scenarios:
            raise ScenarioUnknown(industry=self.name, name=name, known=", ".join(sorted(self.scenarios)))
        return self.scenarios[name]

    def document_path(self, document: DocumentSpec) -> Path:
        """Where the sample document lies on disk."""
        return self.root / "documents" / document.file

    def prompt(self, scenario: str, language: str, values: Mapping[str, str]) -> str:
        """The scenario's answer prompt in ``language`` with ``values`` put in."""
        prompts = self.scenario(scenario).prompts
        name = prompts.zh if language.startswith("zh") else prompts.en
        return prompt_render(name, self.prompts[name], values)

    def gate_questions(self, scenario: str) -> tuple[Question, ...]:
        """The questions that a bundle of ``scenario`` must pass."""
        return self.evaluations[self.scenario(scenario).evaluation.gate]

    def demo_questions(self, scenario: str) -> tuple[Question, ...]:
        """The few questions that a demonstration asks."""
        return self.evaluations[self.scenario(scenario).evaluation.demo]

    def terms(self, lexicon: str) -> tuple[LexiconEntry, ...]:
        """The entries of one lexicon file."""
        return self.lexicons[lexicon]

    def synonyms(self, scenario: str) -> dict[str, tuple[str, ...]]:
        """Word → other words for it, from the scenario's lexicons."""
        found: dict[str, list[str]] = {}
        for file in self.scenario(scenario).lexicon:
            for entry in (e for e in self.lexicons[file] if e.kind == "synonym"):
                found.setdefault(entry.term, []).append(entry.value)
        return {term: tuple(words) for term, words in found.items()}

    def code(self) -> PackCode:
        """What the pack's own code registers. Unsigned packs reach this only where the operator allowed them."""
        return code_import(self.spec, self.files)
