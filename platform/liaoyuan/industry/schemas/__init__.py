"""The typed form of an industry pack's files. Every model is frozen and refuses unknown keys.

Read ``base`` (shared words), ``industry`` (industry.toml), ``documents`` (documents.toml), ``scenario``
(scenarios/*.toml),
``recipe`` (its data and training steps), ``guardrail`` (its safety policy) and ``questions`` (evaluation/*.jsonl).
"""

from liaoyuan.industry.schemas.base import LANGUAGES, Language, Range, Spec, Text
from liaoyuan.industry.schemas.documents import DocumentSpec, DocumentsSpec
from liaoyuan.industry.schemas.guardrail import Escalation, GuardrailPolicy, Refusal
from liaoyuan.industry.schemas.industry import Control, ControlCheck, IndustrySpec, Lock, Role
from liaoyuan.industry.schemas.questions import Question, QuestionType
from liaoyuan.industry.schemas.recipe import (
    DataRecipe,
    Decontaminate,
    Deduplicate,
    MaskPii,
    Normalise,
    Operator,
    Quality,
    Split,
    SynthesiseQa,
    TrainingParams,
    TrainingSpec,
)
from liaoyuan.industry.schemas.scenario import (
    Answerer,
    AnswererMode,
    Evaluation,
    Field,
    Gate,
    Kpi,
    Metric,
    Needs,
    Prompts,
    Retrieval,
    ScenarioSpec,
)

__all__ = [
    "LANGUAGES",
    "Answerer",
    "AnswererMode",
    "Control",
    "ControlCheck",
    "DataRecipe",
    "Decontaminate",
    "Deduplicate",
    "DocumentSpec",
    "DocumentsSpec",
    "Escalation",
    "Evaluation",
    "Field",
    "Gate",
    "GuardrailPolicy",
    "IndustrySpec",
    "Kpi",
    "Language",
    "Lock",
    "MaskPii",
    "Metric",
    "Needs",
    "Normalise",
    "Operator",
    "Prompts",
    "Quality",
    "Question",
    "QuestionType",
    "Range",
    "Refusal",
    "Retrieval",
    "Role",
    "ScenarioSpec",
    "Spec",
    "Split",
    "SynthesiseQa",
    "Text",
    "TrainingParams",
    "TrainingSpec",
]
