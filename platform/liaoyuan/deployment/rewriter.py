"""The organization's chat endpoint as the writer of standalone questions. The embedded model is too small for it."""

from collections.abc import Sequence

import openai
from django.conf import settings
from langchain_core.messages import HumanMessage, SystemMessage

from liaoyuan.deployment.adapters.chat import chat_engine
from liaoyuan.knowledge.rewriting import Turn, Writer
from liaoyuan.knowledge.text.normalise import is_chinese

LONGEST_ANSWER = 400
SYSTEM_ZH = (
    "把最后的追问改写成不看对话也能看懂的一个完整问题。只用对话里出现过的词、名称和数字，"
    "不要回答，不要添加内容，只输出问题。"
)
SYSTEM_EN = (
    "Rewrite the last follow-up as one complete question that can be understood without the conversation. Use only "
    "words, names and numbers of the conversation. Do not answer, add nothing, output the question only."
)


def rewriter() -> Writer | None:
    """The writer, where the operator configured a chat endpoint; None means that the rules do it."""
    return _write if settings.CHAT_URL else None


def _write(turns: Sequence[Turn], question: str) -> str:
    """The endpoint's wording; empty where it is silent, so that the rules take over (they are always there)."""
    said = "\n".join(f"Q: {turn.question}\nA: {turn.answer[:LONGEST_ANSWER]}" for turn in turns)
    system = SYSTEM_ZH if is_chinese(question) else SYSTEM_EN
    try:
        message = chat_engine("").model.invoke([SystemMessage(system), HumanMessage(f"{said}\n\nQ: {question}")])
    except openai.OpenAIError:
        return ""
    return str(message.text)
