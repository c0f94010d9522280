"""The generative mode: the pack's prompt, a LangChain chat model, and the check whether its text may stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import openai
from langchain_core.messages import HumanMessage

from liaoyuan.deployment.adapters.chat import chat_engine
from liaoyuan.deployment.errors import ChatUnavailable
from liaoyuan.deployment.recorder import Recorder
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.knowledge.ground import check_grounded
from liaoyuan.knowledge.text.normalise import is_chinese


@dataclass(frozen=True)
class Generated:
    """A model's text. ``grounded`` only if every sentence, number and negation of it stands in the evidence."""

    text: str
    grounded: bool
    model: str


def generate(
    *,
    pack: IndustryPack,
    scenario: ScenarioSpec,
    question: str,
    evidence: Sequence[str],
    model_name: str,
    recorder: Recorder,
) -> Generated:
    """One call of the chat model, then the groundedness check. Raises ChatUnavailable."""
    engine = chat_engine(model_name)
    prompt = prompt_write(pack, scenario, question, evidence)
    with recorder.span("generate", model=engine.name) as noted:
        try:
            message = engine.model.invoke([HumanMessage(prompt)])
        except openai.OpenAIError as error:
            raise ChatUnavailable(detail=type(error).__name__) from error
        usage = message.usage_metadata
        if usage:
            recorder.prompt_tokens += usage["input_tokens"]
            recorder.completion_tokens += usage["output_tokens"]
            noted |= {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
    text = str(message.text).strip()
    with recorder.span("ground") as noted:
        verdict = check_grounded(text, evidence)
        grounded = bool(text) and verdict.grounded
        noted |= {"grounded": grounded}
    return Generated(text, grounded, engine.name)


def prompt_write(pack: IndustryPack, scenario: ScenarioSpec, question: str, evidence: Sequence[str]) -> str:
    """The pack's prompt with numbered evidence: the same words that training used."""
    language = "zh" if is_chinese(question) else "en"
    abstain = scenario.guardrail.abstain
    values = {
        "question": question,
        "evidence": "\n".join(f"[{number}] {text}" for number, text in enumerate(evidence, start=1)),
        "abstain": abstain.zh if language == "zh" else abstain.en,
    }
    return pack.prompt(scenario.name, language, values)
