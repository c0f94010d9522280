"""The data recipe (operators in order) and the training recipe of a scenario."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from liaoyuan.industry.schemas.base import Language, Name, Spec

PiiLabel = Literal[
    "ADDRESS",
    "BANK_CARD",
    "DOB",
    "EMAIL",
    "ID_CARD",
    "IP",
    "LANDLINE",
    "LICENSE_PLATE",
    "METER_NO",
    "MRN",
    "ORG",
    "PASSPORT",
    "PERSON",
    "PHONE",
    "SOCIAL_SECURITY",
    "STUDENT_NO",
    "USCC",
    "WECHAT",
    "IBAN",
    "DRIVER_LICENSE",
    "QQ",
]


class Normalise(Spec):
    """Repair the encoding, fold full-width forms and white space, drop headers, footers and page numbers."""

    operator: Literal["normalise"]
    strip_boilerplate: bool = True
    fold_width: bool = True


class Deduplicate(Spec):
    """Drop exact and near copies: MinHash over character shingles."""

    operator: Literal["deduplicate"]
    threshold: float = Field(default=0.85, gt=0.5, le=1.0)
    shingle: int = Field(default=5, ge=2, le=20)
    permutations: int = Field(default=128, ge=32, le=512)


class Quality(Spec):
    """Drop blocks that are too short, too long, too repetitive or mostly symbols; the reason is kept."""

    operator: Literal["quality"]
    min_characters: int = Field(default=20, ge=1)
    max_characters: int = Field(default=4000, ge=10)
    max_repetition: float = Field(default=0.3, ge=0, le=1)
    max_symbols: float = Field(default=0.4, ge=0, le=1)


class MaskPii(Spec):
    """Replace personal data by typed placeholders. ``keep`` names labels that stay (an office's telephone, say)."""

    operator: Literal["mask_pii"]
    keep: tuple[PiiLabel, ...] = ()


class SynthesiseQa(Spec):
    """Make question–answer pairs whose answer is quoted from the block.

    ``unanswerable`` is the share without evidence.
    """

    operator: Literal["synthesise_qa"]
    per_block: int = Field(default=2, ge=1, le=10)
    max_samples: int = Field(default=400, ge=1, le=100_000)
    unanswerable: float = Field(default=0.15, ge=0, le=0.5)
    languages: tuple[Language, ...] = ("zh", "en")


class Decontaminate(Spec):
    """Drop samples that share a run of characters with a gate question."""

    operator: Literal["decontaminate"]
    against: Literal["gate"] = "gate"
    ngram: int = Field(default=13, ge=5, le=50)


class Split(Spec):
    """Split by document, so that no document feeds both training and evaluation."""

    operator: Literal["split"]
    by: Literal["document"] = "document"
    train: float = Field(default=0.8, gt=0, lt=1)
    seed: int = Field(default=17, ge=0)


Operator = Annotated[
    Normalise | Deduplicate | Quality | MaskPii | SynthesiseQa | Decontaminate | Split,
    Field(discriminator="operator"),
]


class DataRecipe(Spec):
    """Operators from the allow-list, run in this order. ``split`` closes it; masking comes before synthesis."""

    name: Name
    operators: tuple[Operator, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _order(self) -> "DataRecipe":
        order = [step.operator for step in self.operators]
        if len(set(order)) != len(order):
            raise ValueError("an operator is listed twice")
        if order[-1] != "split":
            raise ValueError("the last operator must be split")
        if "synthesise_qa" in order and "mask_pii" not in order[: order.index("synthesise_qa")]:
            raise ValueError("mask_pii must come before synthesise_qa: no personal data in training text")
        return self


class TrainingParams(Spec):
    """LoRA hyper-parameters. ``time_budget_seconds`` ends the run early with the best checkpoint."""

    rank: int = Field(default=8, ge=1, le=256)
    alpha: int = Field(default=16, ge=1, le=512)
    dropout: float = Field(default=0.0, ge=0, le=0.5)
    target_modules: tuple[Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    )
    learning_rate: float = Field(default=2e-4, gt=0, lt=1)
    warmup_ratio: float = Field(default=0.05, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    max_steps: int = Field(default=40, ge=1, le=1_000_000)
    batch_size: int = Field(default=4, ge=1, le=1024)
    gradient_accumulation: int = Field(default=1, ge=1, le=1024)
    max_length: int = Field(default=384, ge=32, le=131_072)
    checkpoint_every: int = Field(default=10, ge=1)
    seed: int = Field(default=17, ge=0)
    time_budget_seconds: int = Field(default=150, ge=10)


class TrainingSpec(Spec):
    """What is trained, by which recipe."""

    task: Literal["grounded-qa"]
    recipe: Literal["lora-small"]
    base_model: Literal["smollm2-135m-instruct"] = "smollm2-135m-instruct"
    params: TrainingParams = TrainingParams()
