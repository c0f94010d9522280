"""Words shared by all pack files."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00-\x1f]{1,120}$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class Spec(BaseModel):
    """Frozen; an unknown key is an error, never ignored: a misspelt gate must not silently be no gate."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Spec):
    """One sentence for people, in both languages of the platform."""

    zh: Sentence
    en: Sentence

    def in_language(self, language: str) -> str:
        """Chinese for "zh…", English for anything else."""
        return self.zh if language.startswith("zh") else self.en


class Range(Spec):
    """A threshold: exactly one of ``at_least`` and ``at_most``."""

    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_side(self) -> "Range":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give exactly one of at_least and at_most")
        return self

    @property
    def threshold(self) -> float:
        """The bound itself, in the unit of the metric."""
        bound = self.at_least if self.at_least is not None else self.at_most
        assert bound is not None  # noqa: S101  the validator above guarantees it
        return bound

    def passed(self, value: float) -> bool:
        """Whether ``value`` is on the right side (the bound itself passes)."""
        return value >= self.threshold if self.at_least is not None else value <= self.threshold
