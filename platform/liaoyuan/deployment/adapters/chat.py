"""The chat model as LangChain sees it: the operator's own endpoint, or the model server of this machine."""

from dataclasses import dataclass

from django.conf import settings
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from liaoyuan.pipeline.base_models import EMBEDDED

MOST_TOKENS = 800
# The embedded model answers in a sentence or two or begins to repeat itself, at some 20 tokens a second.
MOST_TOKENS_EMBEDDED = 96
TIMEOUT_SECONDS = 120.0
# A repeated request before the first token is harmless; the model server once dropped a connection under load.
RETRIES = 2


@dataclass(frozen=True)
class ChatEngine:
    """A chat model and the name under which its answers are traced; ``embedded`` models are small and English."""

    model: BaseChatModel
    name: str
    embedded: bool


def chat_engine(model_name: str) -> ChatEngine:
    """The configured endpoint where there is one; else the embedded server with the adapter ``model_name``."""
    if settings.CHAT_URL:
        return _engine(settings.CHAT_URL, settings.CHAT_API_KEY, settings.CHAT_MODEL, embedded=False)
    name = model_name or EMBEDDED
    return _engine(f"{settings.MODEL_SERVER_URL}/v1", settings.MODEL_SERVER_TOKEN, name, embedded=True)


def _engine(url: str, key: str, name: str, *, embedded: bool) -> ChatEngine:
    model = ChatOpenAI(
        base_url=url,
        api_key=SecretStr(key or "none"),
        model=name,
        temperature=0.0,
        max_completion_tokens=MOST_TOKENS_EMBEDDED if embedded else MOST_TOKENS,
        timeout=TIMEOUT_SECONDS,
        max_retries=RETRIES,
        stream_usage=True,
    )
    return ChatEngine(model, name, embedded)
