"""The generative mode: the pack's prompt, a LangChain chat model, and the check whether its text may stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata

from liaoyuan.deployment.adapters.chat import chat_engine
from liaoyuan.deployment.errors import ChatUnavailable
from liaoyuan.deployment.recorder import Recorder
from liaoyuan.deployment.telling import Sifter, Teller
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.knowledge.generate import was_cut
from liaoyuan.knowledge.ground import may_stand
from liaoyuan.knowledge.text.normalise import is_chinese


@dataclass(frozen=True)
class Generated:
    """A model's text. ``grounded`` only if every sentence, number and negation of it stands in the evidence, and it
    neither runs in circles nor breaks off."""

    text: str
    grounded: bool
    model: str
    # What was told to a listener before a sentence failed.
    told: str = ""
    # What the model was given, by the id of the cited chunk that it stands for.
    given: Mapping[str, str] = field(default_factory=dict)


def generate(
    *,
    pack: IndustryPack,
    scenario: ScenarioSpec,
    question: str,
    evidence: Sequence[str],
    model_name: str,
    recorder: Recorder,
    teller: Teller | None = None,
) -> Generated:
    """One call of the chat model, then the groundedness check. Raises ChatUnavailable.

    With a ``teller`` the model streams: every finished sentence is checked and told, and the first one that the
    evidence does not carry ends the stream.
    """
    engine = chat_engine(model_name)
    prompt = prompt_write(pack, scenario, question, evidence)
    with recorder.span("generate", model=engine.name) as noted:
        try:
            if teller is None:
                message = engine.model.invoke([HumanMessage(prompt)])
                written, usage, cut = str(message.text), message.usage_metadata, was_cut(message)
            else:
                written, usage, cut = _streamed(engine.model, prompt, Sifter(evidence, teller))
        except openai.OpenAIError as error:
            raise ChatUnavailable(detail=type(error).__name__) from error
        if usage:
            recorder.prompt_tokens += usage["input_tokens"]
            recorder.completion_tokens += usage["output_tokens"]
            noted |= {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
    text = written.strip()
    with recorder.span("ground") as noted:
        stands = may_stand(text, evidence, cut=cut)
        noted |= {"grounded": bool(stands)} | ({"flaw": stands.flaw} if stands.flaw else {})
    return Generated(text, bool(stands), engine.name, teller.told if teller else "")


def _streamed(model: BaseChatModel, prompt: str, sifter: Sifter) -> tuple[str, UsageMetadata | None, bool]:
    """The text, its tokens, and whether the model's limit of tokens cut it off."""
    usage: UsageMetadata | None = None
    cut = False
    for chunk in _pieces(model, prompt):
        usage, cut = chunk.usage_metadata or usage, cut or was_cut(chunk)
        piece = str(chunk.text)
        # A leading blank would make what was told differ from the text that is kept.
        sifter.take(piece if sifter.text else piece.lstrip())
        if sifter.failed:
            return sifter.text, usage, cut
    sifter.take("", last=not cut)
    return sifter.text, usage, cut


def _pieces(model: BaseChatModel, prompt: str) -> Iterator[AIMessage]:
    """What the model writes, as it writes it; in one piece where its endpoint does not stream."""
    heard = False
    try:
        for chunk in model.stream([HumanMessage(prompt)]):
            heard = True
            yield chunk
    except ValueError:
        # LangChain's word for a stream in which nothing came.
        if heard:
            raise
        yield model.invoke([HumanMessage(prompt)])


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
