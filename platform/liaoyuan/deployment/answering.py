"""A question through a deployed bundle: guard, retrieve, quote or generate, ground, guard, cite, trace.

No transaction is held while a model writes: retrieval and the trace each have a short one of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.generating import Generated, generate
from liaoyuan.deployment.models import Bundle, Deployment
from liaoyuan.deployment.recorder import Recorder
from liaoyuan.deployment.rewriter import rewriter
from liaoyuan.deployment.telling import Tell, Teller, guard_allows
from liaoyuan.industry.pack import IndustryPack
from liaoyuan.industry.schemas import ScenarioSpec
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.answer import Citation, KnowledgeAnswer, Mode, answer_question, verdicts
from liaoyuan.knowledge.context import context_of
from liaoyuan.knowledge.rewriting import Rewritten, Turn, standalone
from liaoyuan.knowledge.text.normalise import is_chinese
from liaoyuan.knowledge.text.sentences import sentences
from liaoyuan.pipeline import ports

FELL_BACK_ZH = "（生成的回答没有通过依据核对，以下为文件原句。）"
FELL_BACK_EN = "(The generated answer did not pass the evidence check; these are the documents' own sentences.)"


@dataclass(frozen=True)
class Asker:
    """For whom a question is answered; ``groups`` None means that every document may be seen."""

    organization_id: UUID
    user_id: UUID | None
    groups: tuple[str, ...] | None


@dataclass(frozen=True)
class Answered:
    """What a caller gets. ``mode`` is how the text came about: extractive, generative, abstained or guarded."""

    trace_id: UUID
    text: str
    abstained: bool
    mode: str
    model: str
    fell_back: bool = False
    citations: tuple[dict[str, Any], ...] = ()
    nearest: tuple[dict[str, Any], ...] = ()
    guard: tuple[dict[str, Any], ...] = ()
    escalation: str = ""
    disclaimer: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    # What was searched for, where the question was a follow-up; else empty.
    searched: str = ""
    sentences: tuple[dict[str, Any], ...] = ()
    contradictions: tuple[dict[str, Any], ...] = ()
    # What may be asked next; filled in by deployment.following, after the answer was told.
    follow_ups: tuple[str, ...] = ()
    # What was found in the documents; None where nothing was searched. Not for callers: it holds whole passages.
    found: KnowledgeAnswer | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Task:
    """One question with all that its answer depends on."""

    asker: Asker
    deployment: Deployment
    pack: IndustryPack
    scenario: ScenarioSpec
    question: str
    mode: Mode
    recorder: Recorder
    history: Sequence[Turn] = ()
    teller: Teller | None = None
    trace_id: UUID = field(default_factory=uuid4)
    day: date | None = None

    @property
    def bundle(self) -> Bundle:
        return self.deployment.bundle

    @property
    def chinese(self) -> bool:
        return is_chinese(self.question)


def answer(
    *,
    asker: Asker,
    deployment: Deployment,
    question: str,
    mode: Mode | None = None,
    day: date | None = None,
    listen: Callable[[str], None] | None = None,
    history: Sequence[Turn] = (),
    tell: Tell | None = None,
    trace_id: UUID | None = None,
) -> Answered:
    """Answer ``question`` with the deployment's bundle and record the trace, whatever the outcome.

    ``mode`` overrides the scenario's choice for the question's language. ``listen`` hears each step as it begins:
    guard, retrieve, generate, ground. ``history`` are the turns before, on which a follow-up rests. ``tell`` hears the
    answer sentence by sentence, each once it is checked; what it heard is the beginning of the text, never more.
    """
    pack = industry_get(deployment.bundle.industry)
    scenario = pack.scenario(deployment.bundle.scenario)
    chosen = mode or (scenario.answerer.zh if is_chinese(question) else scenario.answerer.en)
    teller = Teller(tell, guard_allows(pack.name, scenario.name)) if tell else None
    task = _Task(
        asker, deployment, pack, scenario, question, chosen, Recorder(listen), history, teller, trace_id or uuid4(), day
    )
    try:
        answered = _measured(task, _answer(task))
    except Exception as error:
        _record(task, Answered(task.trace_id, "", abstained=False, mode="error", model=task.bundle.model), error=error)
        raise
    _record(task, answered)
    return answered


def _measured(task: _Task, answered: Answered) -> Answered:
    recorder = task.recorder
    return replace(
        answered,
        guard=tuple(recorder.guard),
        prompt_tokens=recorder.prompt_tokens,
        completion_tokens=recorder.completion_tokens,
        seconds=recorder.seconds,
    )


def _answer(task: _Task) -> Answered:
    blank = Answered(task.trace_id, "", abstained=False, mode=task.mode, model=task.bundle.model)
    entry = _guard(task, "input", task.question)
    escalation = _message(task, entry) if entry.action == "escalate" else ""
    if entry.action == "block" or (entry.action == "escalate" and not entry.may_answer):
        return replace(blank, text=_message(task, entry), mode="guarded", escalation=escalation)
    asked = _standalone(task, entry.text)
    blank = replace(blank, searched=asked.text if asked.changed else "")
    found = _retrieve(task, asked.text)
    blank = replace(blank, found=found)
    if found.abstained:
        text = _lines(escalation, _abstention(task, found))
        nearest = tuple(_cited(citation) for citation in found.nearest)
        return replace(blank, text=text, abstained=True, mode="abstained", nearest=nearest, escalation=escalation)
    if escalation and task.teller:
        task.teller.say(escalation + "\n")
    generated = _generate(task, found, asked.text) if task.mode == "generative" else None
    return _compose(task, blank, found, generated, escalation)


def _standalone(task: _Task, question: str) -> Rewritten:
    """A follow-up in full, by the rules, or by the organization's chat endpoint where there is one."""
    if not task.history:
        return Rewritten(question)
    with task.recorder.span("rewrite") as noted:
        asked = standalone(question, task.history, rewriter())
        noted |= {"by": asked.by}
    return asked


def _guard(task: _Task, side: ports.Side, text: str, **context: Any) -> ports.GuardVerdict:
    with task.recorder.span("guard", side=side) as noted:
        verdict = ports.guard().check(
            side=side, text=text, industry=task.pack.name, scenario=task.scenario.name, context=context
        )
        noted |= {"action": verdict.action, "rules": list(verdict.rules)}
    task.recorder.decided(side, verdict)
    return verdict


def _message(task: _Task, verdict: ports.GuardVerdict) -> str:
    return verdict.message_zh if task.chinese else verdict.message_en


def _retrieve(task: _Task, question: str) -> KnowledgeAnswer:
    """Quotes or an abstention, found with the asker's rights inside the query."""
    task.recorder.begin("retrieve")
    start = task.recorder.seconds
    asker = task.asker
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        synonyms = task.pack.synonyms(task.scenario.name)
        found = answer_question(task.bundle.collection_id, question, day=task.day, synonyms=synonyms)
    for span in found.spans:
        noted = _ranked(found) if span["name"] == "rerank" else {}
        task.recorder.add(span["name"], span["seconds"], start=start + span["start"], **noted)
    return found


def _ranked(found: KnowledgeAnswer) -> dict[str, Any]:
    """Who put the passages in order, and why it was another than the collection's settings say."""
    return {"reranker": found.reranker} | ({"notes": found.notes} if found.notes else {})


def _abstention(task: _Task, found: KnowledgeAnswer) -> str:
    """The pack's sentence (whom to ask), and what the documents do not mention."""
    abstain = task.scenario.guardrail.abstain
    sentence = abstain.zh if task.chinese else abstain.en
    if found.missing and task.chinese:
        sentence += f"（文件未提及：{'、'.join(found.missing[:5])}）"
    return sentence


def _generate(task: _Task, found: KnowledgeAnswer, question: str) -> Generated:
    """Let the chat model write from the evidence, after hidden instructions were taken out of it."""
    given = _given(task, found)
    generated = generate(
        pack=task.pack,
        scenario=task.scenario,
        question=question,
        evidence=list(given.values()),
        model_name=task.bundle.model,
        recorder=task.recorder,
        teller=task.teller,
    )
    return replace(generated, given=given)


def _given(task: _Task, found: KnowledgeAnswer) -> Mapping[str, str]:
    """What the model reads for each cited chunk, in the order of the quotes' numbers: the chunk in its surroundings,
    or alone where the guardrail finds hidden instructions around it."""
    asker, small = task.asker, _cited_chunks(found)
    with tenant_context(asker.organization_id, asker.user_id, groups=asker.groups):
        wider = context_of(task.bundle.collection_id, list(small), task.day)
    given = {key: _harmless(task, wider.get(key, "")) or _harmless(task, text) for key, text in small.items()}
    return {key: text for key, text in given.items() if text}


def _harmless(task: _Task, text: str) -> str:
    """A passage as the guardrail lets it through; empty where it does not."""
    if not text:
        return ""
    verdict = _guard(task, "document", text)
    return "" if verdict.action in {"block", "escalate"} else verdict.text


def _cited_chunks(found: KnowledgeAnswer) -> dict[str, str]:
    """The texts of the chunks behind the quotes; of one that is not among the nearest, its first quote."""
    whole = {citation.chunk_id: citation.quote for citation in found.nearest}
    first = {citation.chunk_id: citation.quote for citation in reversed(found.citations)}
    cited = dict.fromkeys(citation.chunk_id for citation in found.citations)
    return {key: whole.get(key, first[key]) for key in cited}


def _compose(
    task: _Task, blank: Answered, found: KnowledgeAnswer, generated: Generated | None, escalation: str
) -> Answered:
    """The model's text where every sentence of it stands in the evidence; else the quotes, saying so."""
    citations = tuple(_cited(citation) for citation in found.citations)
    body, mode = _body(task, found, generated)
    checked = _guard(task, "output", body, citations=len(citations), grounded=True)
    if checked.action in {"block", "escalate"}:
        return replace(blank, text=_message(task, checked), mode="guarded", escalation=escalation)
    text = _lines(escalation, checked.text)
    _tell_rest(task, text)
    disclaimer = task.scenario.guardrail.disclaimer
    return replace(
        blank,
        text=text,
        mode=mode,
        model=generated.model if generated is not None else "",
        fell_back=generated is not None and not generated.grounded,
        citations=citations,
        nearest=tuple(_cited(citation) for citation in found.nearest),
        escalation=escalation,
        disclaimer=disclaimer.zh if task.chinese else disclaimer.en,
        timings=found.timings,
        sentences=tuple(asdict(verdict) for verdict in verdicts(text, found.citations, _stands_on(generated))),
        contradictions=tuple(
            {"kind": pair.kind, "left": _cited(pair.left), "right": _cited(pair.right)} for pair in found.contradictions
        ),
    )


def _stands_on(generated: Generated | None) -> Mapping[str, str] | None:
    """What a model's text was held against, where it stands; quotes stand on themselves."""
    return generated.given if generated is not None and generated.grounded else None


def _body(task: _Task, found: KnowledgeAnswer, generated: Generated | None) -> tuple[str, str]:
    """The text and how it came about. What a listener was told of a failed text stays: it was checked."""
    if generated is None:
        return found.answer, "extractive"
    if generated.grounded:
        return generated.text, "generative"
    notice = FELL_BACK_ZH if task.chinese else FELL_BACK_EN
    return _lines(generated.told, notice, found.answer), "extractive"


def _tell_rest(task: _Task, text: str) -> None:
    """Tell what of the finished text was not told yet, sentence by sentence."""
    teller = task.teller
    if teller is None or not text.startswith(teller.told):
        return
    start = len(teller.told)
    for part in sentences(text):
        if part.end > start:
            teller.tell(text[start : part.end])
            start = part.end


def _cited(citation: Citation) -> dict[str, Any]:
    """A citation as the API and the trace hold it."""
    return {
        "document": citation.document,
        "version": citation.version,
        "locator": citation.locator,
        "page": citation.page,
        "box": citation.box,
        "boxes": citation.boxes,
        "quote": citation.quote,
        "heading_path": list(citation.heading_path),
        "score": citation.score,
        "chunk_id": citation.chunk_id,
        "document_id": citation.document_id,
        "document_version_id": citation.version_id,
        "edited_by": citation.edited_by,
        "edited_at": citation.edited_at,
        "literal": citation.literal,
        "header": citation.header,
    }


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _record(task: _Task, answered: Answered, *, error: Exception | None = None) -> None:
    """Hand the trace to operations, with the question as the guard let it through (personal data masked)."""
    recorder = task.recorder
    with tenant_context(task.asker.organization_id, task.asker.user_id):
        trace = ports.AnswerTrace(
            id=answered.trace_id,
            organization_id=task.asker.organization_id,
            solution_id=task.deployment.solution_id,
            deployment_id=task.deployment.id,
            bundle_id=task.bundle.id,
            user_id=task.asker.user_id,
            question=question_kept(task.question),
            answer=answered.text,
            abstained=answered.abstained,
            mode=answered.mode,
            model=answered.model,
            citations=answered.citations,
            guard=recorder.guard,
            spans=recorder.spans,
            prompt_tokens=recorder.prompt_tokens,
            completion_tokens=recorder.completion_tokens,
            seconds=recorder.seconds,
            error=type(error).__name__ if error else "",
        )
        ports.traces().record(trace)


def question_kept(question: str) -> str:
    """A question as it may be stored: personal data gives way to its kind."""
    spans = ports.pii().scan(question)
    return "".join(_without(question, [(span.start, span.end, span.label) for span in spans]))


def _without(text: str, spans: Sequence[tuple[int, int, str]]) -> list[str]:
    """``text`` with each span replaced by its label."""
    parts, position = [], 0
    for start, end, label in sorted(spans):
        if start >= position:
            parts += [text[position:start], f"[{label}]"]
            position = end
    return [*parts, text[position:]]
