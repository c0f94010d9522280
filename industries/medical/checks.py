"""Domain gates of the medical pack."""

import re

from liaoyuan.industry.plugin import CheckContext, CheckedAnswer, CheckResult, register_check

# A number with the unit it is given in: doses, limits, rates, times.
MEASURE = re.compile(
    r"\d+(?:\.\d+)?\s?(?:mg/dL|mmol/L|µmol/L|g/L|mmHg|mL/h|mL|ml|mg|µg|kg|IU|U|%|℃|°C|小时|分钟|天|日|hours?|minutes?|days?)",
    re.IGNORECASE,
)


@register_check("numbers-quoted")
def numbers_quoted(context: CheckContext) -> CheckResult:
    """Share of answers in which every measured number also stands in a cited sentence (1.0 with none to check)."""
    judged = [(answer, _uncited(answer)) for answer in context.answers if not answer.abstained]
    problems = tuple(f"{answer.question.id}: {', '.join(missing)}" for answer, missing in judged if missing)
    value = 1.0 - len(problems) / len(judged) if judged else 1.0
    return CheckResult(value=value, problems=problems)


def _uncited(answer: CheckedAnswer) -> list[str]:
    quoted = {_plain(number) for quote in answer.quotes for number in MEASURE.findall(quote)}
    return [number for number in MEASURE.findall(answer.answer) if _plain(number) not in quoted]


def _plain(number: str) -> str:
    return number.replace(" ", "").lower()
