"""Every setting that an operator may give, typed, from the environment (``LIAOYUAN_…``) or from ``…_FILE``."""

import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from liaoyuan.knowledge.rerank_endpoint import RerankEndpoint
from liaoyuan.knowledge.settings import EmbeddingEndpoint

ROOT = Path(__file__).resolve().parents[3]
SAMPLE_SECRETS = ("changeme", "change-me", "secret", "password", "django-insecure", "sample", "example")
SHORTEST_SECRET = 32


class Environment(BaseSettings):
    """The operator's settings. Refuses sample or short secrets, and an open door in production."""

    # Inputs stay out of error messages: they hold passwords, and messages go to logs.
    model_config = SettingsConfigDict(env_prefix="LIAOYUAN_", extra="ignore", hide_input_in_errors=True)

    mode: Literal["embedded", "production"] = "embedded"
    var: Path = ROOT / "var"
    secret_key: SecretStr = SecretStr("")
    key_pepper: SecretStr = SecretStr("")
    debug: bool = False
    port: int = Field(default=8000, ge=1, le=65_535)
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    trusted_origins: str = ""
    database_url: str = ""
    database_owner_url: str = ""
    database_system_url: str = ""
    redis_url: str = ""
    model_server_url: str = ""
    model_server_token: SecretStr = SecretStr("")
    chat_url: str = ""
    chat_model: str = ""
    chat_api_key: SecretStr = SecretStr("")
    # Embedding services beside the built-in model, as a JSON list; collections choose by name.
    embedders: tuple[EmbeddingEndpoint, ...] = ()
    # Cross-encoders that put search results in order, as a JSON list; collections choose by name.
    rerankers: tuple[RerankEndpoint, ...] = ()
    # What collections may be synchronized with; all empty: nothing. Folders by organization (name, id or * for all):
    # "示例医院=/srv/hospital;*=/srv/shared". Web hosts: names, *.name, * for every public one, host:port, and
    # intranet:host[:port] for one that may lie on a private address.
    source_folders: str = ""
    source_s3_endpoints: str = ""
    source_web_hosts: str = ""
    source_file_mb: int = Field(200, ge=1, le=4096)
    ray_url: str = ""
    ray_token: SecretStr = SecretStr("")
    lease_seconds: float = 60.0
    heartbeat_seconds: float = 10.0
    reaper_seconds: float = 15.0
    relay_seconds: float = 1.0
    worker_stuck_seconds: float = Field(default=180.0, gt=0)
    # Requests a minute of one key or one signed-in person; 0 sets no limit.
    api_reads_per_minute: int = Field(1200, ge=0)
    api_writes_per_minute: int = Field(300, ge=0)
    api_asks_per_minute: int = Field(120, ge=0)
    api_strangers_per_minute: int = Field(60, ge=0)
    language: Literal["zh-hans", "en"] = "zh-hans"
    time_zone: str = "Asia/Shanghai"
    upload_file_mb: int = 200

    # How many proxies in front of us write X-Forwarded-For; 0 means that nobody's word for an address is taken.
    trusted_proxies: int = Field(0, ge=0, le=8)
    # Single sign-on through one OpenID Connect provider. An address counts only if the provider says that it verified
    # it, or if the operator vouches for the provider (companies' own often do not say).
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = "SSO"
    oidc_trust_email: bool = False
    # Where the provider's own sign-in page has another host than its issuer, and whither that page may lead on:
    # browsers follow a form only to origins that our content security policy names.
    oidc_origins: tuple[str, ...] = ()
    # Without a host no mail is sent, and the pages say so.
    email_host: str = ""
    email_port: int = 25
    email_user: str = ""
    email_password: SecretStr = SecretStr("")
    email_tls: bool = False
    email_from: str = "liaoyuan@localhost"

    @field_validator("embedders", "rerankers")
    @classmethod
    def _names_once(cls, value: tuple[EmbeddingEndpoint | RerankEndpoint, ...], info: ValidationInfo) -> Any:
        if len({endpoint.name for endpoint in value}) < len(value):
            raise ValueError(f"LIAOYUAN_{str(info.field_name).upper()} names one model twice")
        return value

    @field_validator("source_folders")
    @classmethod
    def _folders_absolute(cls, value: str) -> str:
        for each in filter(None, (part.strip() for part in value.split(";"))):
            who, _, root = each.partition("=")
            if not who.strip() or not Path(root.strip()).is_absolute():
                raise ValueError("LIAOYUAN_SOURCE_FOLDERS is organization=/absolute/folder;…")
        return value

    @field_validator("oidc_origins")
    @classmethod
    def _origins_alone(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            parts = urlsplit(each)
            if parts.scheme != "https" or not parts.hostname or each != f"https://{parts.netloc}" or "*" in each:
                raise ValueError('LIAOYUAN_OIDC_ORIGINS is ["https://host", …]: origins alone, without a path')
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_private(cls, value: str) -> str:
        value = value.rstrip("/")
        parts = urlsplit(value)
        if value and parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError("LIAOYUAN_OIDC_ISSUER must be an https:// address")
        return value

    @field_validator("var")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> "Environment":
        for name in ("secret_key", "key_pepper"):
            value = getattr(self, name).get_secret_value()
            if value:
                _refuse_weak(name, value)
        if self.mode == "production":
            self._refuse_production_gaps()
        return self

    def _refuse_production_gaps(self) -> None:
        if self.debug:
            raise ValueError("LIAOYUAN_DEBUG must be off in production")
        if "*" in self.allowed_hosts:
            raise ValueError("LIAOYUAN_ALLOWED_HOSTS must name the hosts; '*' is refused in production")
        needed = ("secret_key", "key_pepper", "database_url", "database_owner_url", "database_system_url", "redis_url")
        missing = [f"LIAOYUAN_{n.upper()}" for n in needed if not _plain(getattr(self, n))]
        if missing:
            raise ValueError(f"production needs {', '.join(missing)} (or the same names with _FILE)")


def _plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _refuse_weak(name: str, value: str) -> None:
    if len(value) < SHORTEST_SECRET or any(value.lower().startswith(sample) for sample in SAMPLE_SECRETS):
        raise ValueError(
            f"LIAOYUAN_{name.upper()} is a sample or shorter than {SHORTEST_SECRET} characters: generate one"
        )


def _read_secret_files() -> None:
    """Docker's habit: ``LIAOYUAN_X_FILE=/run/secrets/x`` gives ``LIAOYUAN_X`` without showing it in the environment."""
    for key, path in list(os.environ.items()):
        if key.startswith("LIAOYUAN_") and key.endswith("_FILE"):
            os.environ.setdefault(key.removesuffix("_FILE"), Path(path).read_text(encoding="utf-8").strip())


def local_secret(var: Path, name: str) -> str:
    """A secret of this machine, made once (0600) below ``var/secrets``; the embedded mode needs no operator for it."""
    path = var / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        # Two processes may start at once: the first link wins, and both read the winner.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


@cache
def environment() -> Environment:
    """The settings in force, read once."""
    _read_secret_files()
    return Environment()
