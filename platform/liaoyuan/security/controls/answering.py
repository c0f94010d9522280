"""Controls over the deployed application's answers, asked as a user would ask."""

from liaoyuan.pipeline.ports import Probe, application
from liaoyuan.security.controls.base import Measurement, Subject

MOST_QUESTIONS = 12
STOPPED = frozenset({"block", "escalate"})


def citation_required(subject: Subject) -> Measurement:
    """The pack's questions through the deployment: the share that was cited, or withheld for want of evidence."""
    questions = subject.pack.demo_questions(subject.scenario.name)
    gate = subject.pack.gate_questions(subject.scenario.name)
    asked = {question.id: question.question for question in (*questions, *gate)}
    good: list[str] = []
    bad: list[str] = []
    for name, text in list(asked.items())[:MOST_QUESTIONS]:
        probe = application().ask(
            organization_id=subject.organization_id, deployment_id=subject.deployment_id, question=text
        )
        (good if _sound(probe) else bad).append(name)
    return Measurement(
        value=len(good) / max(1, len(good) + len(bad)),
        evidence={"questions": len(good) + len(bad), "uncited": bad},
        advice_zh="有回答没有出处：请检查检索阈值，或改用摘录式回答。",
        advice_en="Some answers carry no source: check the retrieval threshold, or answer by quoting.",
    )


def _sound(probe: Probe) -> bool:
    stopped = any(decision.get("action") in STOPPED for decision in probe.guard)
    quoted = bool(probe.citations) and all(citation.get("quote") for citation in probe.citations)
    return probe.abstained or stopped or quoted
