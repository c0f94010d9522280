"""The chat model of the generative mode: the operator's OpenAI-compatible endpoint, or the platform's own model
server."""

from django.conf import settings
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from liaoyuan.pipeline.adapters.model_server import BASE_MODEL


def chat_model(name: str = "", *, max_tokens: int = 400) -> BaseChatModel:
    """LangChain's client for ``name`` (default: the configured or the embedded base model), without sampling."""
    url = settings.CHAT_URL or f"{settings.MODEL_SERVER_URL.rstrip('/')}/v1"
    key = settings.CHAT_API_KEY if settings.CHAT_URL else settings.MODEL_SERVER_TOKEN
    model = name or settings.CHAT_MODEL or BASE_MODEL
    return ChatOpenAI(
        model=model, base_url=url, api_key=SecretStr(key), temperature=0, max_completion_tokens=max_tokens
    )
