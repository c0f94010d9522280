"""A guardrail policy as data: ordered checks per side, thresholds, messages, and the control that each check serves."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from liaoyuan.security.errors import PolicyInvalid, PolicyUnknown
from liaoyuan.security.pii.spans import Label

Side = Literal["input", "document", "output"]
Action = Literal["allow", "flag", "mask", "block", "escalate"]
# The allow-list of checks. A policy names one of these; it never brings code.
Kind = Literal[
    "hidden_text",
    "injection_rules",
    "injection_model",
    "directive_model",
    "unsafe_model",
    "keywords",
    "topics",
    "pii",
    "remote_content",
    "groundedness",
    "citation",
]
FOLDER = Path(__file__).parent


class Strict(BaseModel):
    """An unknown key is an error: a misspelt check must not silently be no check."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Strict):
    zh: str = Field(min_length=1, max_length=600)
    en: str = Field(min_length=1, max_length=600)


class Check(Strict):
    """One step. `threshold` replaces a classifier's own; `labels` and `with_identifier` belong to `pii`."""

    kind: Kind
    sides: tuple[Side, ...] = Field(min_length=1)
    action: Action
    control: str = Field(min_length=2, max_length=80)
    message: Message
    threshold: float | None = Field(default=None, gt=0, lt=1)
    labels: tuple[Label, ...] = ()
    # Hidden only beside one of `labels`: a name alone in a rule book is no leak, a name with a telephone is.
    with_identifier: tuple[Label, ...] = ()


class Topic(Strict):
    """Something an industry's assistant must not answer, or must hand to a person.

    `terms` hold words that must follow each other, separated by " * " (within `gap` characters); `unless` words
    nearby make the sentence harmless. `answer` = whether an escalated question may still be answered.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")
    action: Literal["flag", "block", "escalate"]
    control: str = Field(min_length=2, max_length=80)
    sides: tuple[Side, ...] = ("input",)
    terms: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    answer: bool = False
    message: Message


class Policy(Strict):
    """One policy file."""

    format: Literal[1]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")
    version: str = Field(pattern=r"^\d{4}\.\d{1,2}\.\d{1,3}$")
    checks: tuple[Check, ...] = ()
    topics: tuple[Topic, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Policy":
        names = [topic.name for topic in self.topics]
        if len(set(names)) != len(names):
            raise ValueError("two topics have the same name")
        return self


def policy_parse(text: str, *, name: str) -> Policy:
    """The policy in a TOML text; raises PolicyInvalid that names the key that is wrong."""
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(policy=name, detail=str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PolicyInvalid(policy=name, detail=f"{where}: {first['msg']}") from error


def policy_names() -> list[str]:
    """The policies that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def policy_get(name: str) -> Policy:
    """A shipped policy; raises PolicyUnknown with the known names."""
    path = FOLDER / f"{name}.toml"
    if name not in policy_names():
        raise PolicyUnknown(policy=name, known=", ".join(policy_names()))
    return policy_parse(path.read_text(encoding="utf-8"), name=name)
