"""Words and forms that many schemas share."""

from typing import Annotated, Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

# No control characters: names are shown on pages, in logs and in file names. The database takes no zero character.
VISIBLE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(examples=["手卫生问答"]),
]
Key = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9_-]+$"), Field(examples=["medical"])
]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,80}$")]
Group = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=VISIBLE),
    Field(examples=["infection-control"]),
]
Search = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=VISIBLE)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Note = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")]
Free = dict[str, Any]
Language = Annotated[str, Field(examples=["zh"])]


def _email(value: str) -> str:
    try:
        validate_email(value)
    except DjangoValidationError as error:
        raise ValueError(" ".join(error.messages)) from error
    return value.lower()


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern=r"^[^\s\x00]+@[^\s\x00]+$"),
    AfterValidator(_email),
    Field(examples=["li.wei@example.org"]),
]


class Body(Schema):
    """Base of every body that is sent to us."""

    model_config = ConfigDict(extra="forbid")


class Titles(Schema):
    """One name in both languages."""

    zh: Annotated[str, Field(examples=["诊疗指南问答"])]
    en: Annotated[str, Field(examples=["Guideline questions"])]
