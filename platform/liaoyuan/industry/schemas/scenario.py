"""scenarios/<name>.toml: one application that the industry offers."""

import re
from typing import Literal, get_args

from pydantic import Field as Bound
from pydantic import field_validator, model_validator

from liaoyuan.industry.schemas.base import FileName, Language, Name, Range, Spec, Text
from liaoyuan.industry.schemas.guardrail import GuardrailPolicy
from liaoyuan.industry.schemas.recipe import DataRecipe, TrainingSpec

Metric = Literal[
    # `knowledge evaluate`
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr",
    "ndcg@10",
    "citation_valid",
    "citation_correct",
    "must_contain",
    "abstained_unanswerable",
    "refused_answerable",
    "p50_ms",
    "p95_ms",
    # the training stage
    "parity_first_token",
    "parity_greedy",
    "forgetting_ratio",
    "heldout_loss_ratio",
    # the security stage
    "guard_recall",
    "over_refusal",
    "pii_recall",
]
METRICS: frozenset[str] = frozenset(get_args(Metric))
DOMAIN_METRIC = re.compile(r"^domain\.[a-z][a-z0-9-]{1,39}$")
AnswererMode = Literal["extractive", "generative"]


class Field(Spec):
    """One input or output of the scenario's application."""

    name: str = Bound(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    type: Literal["string", "number", "boolean", "choice", "list", "citations", "escalation"]
    title: Text
    required: bool = True
    choices: tuple[str, ...] = ()
    max_length: int | None = Bound(default=None, ge=1, le=100_000)

    @model_validator(mode="after")
    def _choices_fit(self) -> "Field":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError(f"field {self.name}: choices go with type 'choice', and only with it")
        return self


class DocumentNeed(Spec):
    """A kind of document that the enterprise should bring."""

    name: Name
    title: Text
    required: bool = True


class Retrieval(Spec):
    """``k`` passages reach the answer out of ``candidates``; below ``threshold`` (0..1) the answer is abstained."""

    k: int = Bound(default=5, ge=1, le=50)
    candidates: int = Bound(default=40, ge=5, le=500)
    threshold: float = Bound(default=0.5, ge=0, le=1)


class Answerer(Spec):
    """The mode per language of the question: quoted sentences, or a model's own words checked against them."""

    zh: AnswererMode = "extractive"
    en: AnswererMode = "extractive"

    def mode(self, language: str) -> AnswererMode:
        """Chinese for "zh…", English for anything else."""
        return self.zh if language.startswith("zh") else self.en


class Prompts(Spec):
    """The answer prompt per language: files below ``prompts/``."""

    zh: FileName
    en: FileName


class Evaluation(Spec):
    """Question files below ``evaluation/``: the gate's, and the five of the demo."""

    gate: FileName
    demo: FileName


class Gate(Range):
    """A named measurement with a threshold that a bundle must pass.

    ``questions`` names an approved question set of the collection that is asked instead of the pack's own questions;
    where the collection has none of that name, nothing is measured and the gate is not passed.
    """

    name: Name
    metric: str
    questions: str = Bound(default="", max_length=120)

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str) -> str:
        if value not in METRICS and not DOMAIN_METRIC.match(value):
            raise ValueError(f"unknown metric; use one of {', '.join(sorted(METRICS))}, or domain.<check of checks.py>")
        return value


class Kpi(Spec):
    """A figure of live operation, computed from events by a named formula."""

    name: Name
    title: Text
    formula: Literal[
        "answered_with_citation_rate",
        "abstention_rate",
        "negative_feedback_per_100",
        "median_latency_ms",
        "p95_latency_ms",
        "superseded_citations",
        "escalation_rate",
        "refusal_rate",
        "questions_per_day",
        "cost_per_100_answers",
    ]
    at_least: float | None = None
    at_most: float | None = None


class Needs(Spec):
    """Resources of one pipeline run on the embedded engines. Memory and disk in MB."""

    cores: int = Bound(default=2, ge=1, le=4096)
    memory_mb: int = Bound(default=3000, ge=256)
    disk_mb: int = Bound(default=2000, ge=64)
    accelerator: Literal["none", "optional", "required"] = "optional"


class ScenarioSpec(Spec):
    """One scenario file as a whole."""

    name: Name
    title: Text
    description: Text
    users: tuple[Name, ...] = Bound(min_length=1)
    languages: tuple[Language, ...] = Bound(min_length=1)
    inputs: tuple[Field, ...] = Bound(min_length=1)
    outputs: tuple[Field, ...] = Bound(min_length=1)
    documents: tuple[DocumentNeed, ...] = Bound(min_length=1)
    lexicon: tuple[FileName, ...] = ()
    prompts: Prompts
    evaluation: Evaluation
    retrieval: Retrieval = Retrieval()
    answerer: Answerer = Answerer()
    recipe: DataRecipe
    training: TrainingSpec
    gates: tuple[Gate, ...] = Bound(min_length=1)
    guardrail: GuardrailPolicy
    kpis: tuple[Kpi, ...] = Bound(min_length=1)
    needs: Needs = Needs()

    @model_validator(mode="after")
    def _gates_differ(self) -> "ScenarioSpec":
        names = [gate.name for gate in self.gates]
        if len(set(names)) != len(names):
            raise ValueError("two gates have the same name")
        return self
