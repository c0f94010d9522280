"""What each kind of source has to be told, and what the operator allows: typed, checked before anything is asked."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal, TypeVar

from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from liaoyuan.accounts.names import groups_clean
from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.sources.errors import SourceInvalid, SourceNotAllowed

FOLDERS: Final = "LIAOYUAN_SOURCE_FOLDERS"
ENDPOINTS: Final = "LIAOYUAN_SOURCE_S3_ENDPOINTS"
HOSTS: Final = "LIAOYUAN_SOURCE_WEB_HOSTS"


def _relative(value: str) -> str:
    """A path below its root, as people write it; nothing that climbs."""
    if "\x00" in value or "\\" in value:
        raise ValueError("a path has no NUL and no backslash")
    parts = [part for part in PurePosixPath(value.strip() or ".").parts if part not in {"/", "."}]
    if ".." in parts:
        raise ValueError("a path must not climb with ..")
    return "/".join(parts)


def _visible(value: str) -> str:
    if any(ord(letter) < 32 for letter in value):
        raise ValueError("control characters are not allowed")
    return value


Relative = Annotated[str, Field(max_length=1000), AfterValidator(_relative)]
Text = Annotated[str, AfterValidator(_visible)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class FolderSettings(_Strict):
    """A folder below one of the roots that the operator opened to this organization."""

    root: Annotated[Text, Field(min_length=1, max_length=1000)]
    path: Relative = ""
    # Which group owns the files at the operating system, and which of our groups that is.
    owner_groups: dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=64)]] = Field(
        default_factory=dict, max_length=200
    )


class S3Settings(_Strict):
    """A bucket at an endpoint that the operator allowed."""

    endpoint: Annotated[Text, Field(min_length=8, max_length=300)]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] = "us-east-1"
    path: Annotated[Text, Field(max_length=1000)] = ""
    addressing: Literal["path", "virtual"] = "path"

    @field_validator("endpoint")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")


class WebSettings(_Strict):
    """Pages by address; nothing that a page refers to is fetched."""

    urls: Annotated[list[Annotated[Text, Field(min_length=8, max_length=1000)]], Field(min_length=1, max_length=500)]

    @field_validator("urls")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class S3Credentials(_Strict):
    """Never shown again after they were entered."""

    access_key: Annotated[Text, Field(min_length=1, max_length=200)]
    secret_key: Annotated[Text, Field(min_length=1, max_length=300)]


class FolderGroups(_Strict):
    """Below ``folder`` only ``groups`` may read; the longest folder that fits counts."""

    folder: Relative
    groups: Annotated[list[str], Field(max_length=20)]

    @field_validator("groups")
    @classmethod
    def _clean(cls, value: list[str]) -> list[str]:
        try:
            return sorted(groups_clean(value))
        except LiaoyuanError as error:
            raise ValueError(error.sentence("en")) from error


M = TypeVar("M", bound=BaseModel)
Settings = FolderSettings | S3Settings | WebSettings
_KINDS: Final[dict[str, type[Settings]]] = {"folder": FolderSettings, "s3": S3Settings, "web": WebSettings}


def settings_read(kind: str, values: dict[str, Any]) -> Settings:
    """The typed settings of a source. Raises SourceInvalid with the field and what is wrong with it."""
    return _validated(_KINDS[kind], values)


def credentials_read(values: dict[str, Any]) -> S3Credentials:
    """Raises SourceInvalid, which never repeats what was entered."""
    return _validated(S3Credentials, values)


def group_map_read(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mapping folder → groups, checked, as it is stored. Raises SourceInvalid."""
    return [_validated(FolderGroups, value).model_dump() for value in values]


def _validated(model: type[M], values: dict[str, Any]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SourceInvalid(detail=f"{where}: {first['msg']}") from error


def roots_allowed(organization: tuple[str, str]) -> list[str]:
    """The folders that the operator opened to an organization, given as (id, name)."""
    return [root for who, root in settings.SOURCE_FOLDERS if who in {"*", *organization}]


def root_check(root: str, organization: tuple[str, str]) -> Path:
    """The root itself. Raises SourceNotAllowed for one that the operator did not open to this organization."""
    if root not in roots_allowed(organization):
        raise SourceNotAllowed(place=root, setting=FOLDERS)
    return Path(root)


def endpoint_check(endpoint: str) -> str:
    """Raises SourceNotAllowed for an endpoint that the operator does not name."""
    if endpoint not in settings.SOURCE_S3_ENDPOINTS:
        raise SourceNotAllowed(place=endpoint, setting=ENDPOINTS)
    return endpoint
