"""Domain gates of the energy pack: a limit is only worth something beside the condition it was set for."""

import re

from liaoyuan.industry.plugin import CheckContext, CheckedAnswer, CheckResult, register_check

# A number with the unit it is given in: distances, times, voltages, concentrations, temperatures.
MEASURE = re.compile(
    r"\d+(?:\.\d+)?\s?(?:千伏|kV|V\b|伏|平方毫米|毫米|厘米|千米|米|毫秒|秒|分钟|小时|个工作日|个月|日|天|年|级|%|赫兹|兆帕|摄氏度|兆欧"
    r"|微升每升|毫克每立方米|cal/cm2|mm|bar|minutes?|hours?|days?|months?|years?)",
    re.IGNORECASE,
)
VOLTAGE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s?(?:千伏|kV)", re.IGNORECASE)
DISTANCE_QUESTION = re.compile(r"距离|多少米|多远|distance|how far", re.IGNORECASE)


@register_check("measures-quoted")
def measures_quoted(context: CheckContext) -> CheckResult:
    """Share of answers whose every measured number also stands in a cited sentence (1.0 if none is to check)."""
    return _share({answer.question.id: _uncited(answer) for answer in context.answers if not answer.abstained})


@register_check("distances-match-voltage")
def distances_match_voltage(context: CheckContext) -> CheckResult:
    """Share of distance questions naming one voltage whose citation names that voltage too.

    A distance read from the neighbouring row of the table is a literal quotation and still kills: this gate sees it.
    """
    return _share({answer.question.id: _wrong_row(answer) for answer in context.answers if _asks_distance(answer)})


def _share(findings: dict[str, list[str]]) -> CheckResult:
    problems = tuple(f"{question}: {', '.join(missing)}" for question, missing in findings.items() if missing)
    return CheckResult(value=1.0 - len(problems) / len(findings) if findings else 1.0, problems=problems)


def _uncited(answer: CheckedAnswer) -> list[str]:
    quoted = {_plain(number) for quote in answer.quotes for number in MEASURE.findall(quote)}
    return [number for number in MEASURE.findall(answer.answer) if _plain(number) not in quoted]


def _plain(number: str) -> str:
    return re.sub(r"\s", "", number).lower()


def _asks_distance(answer: CheckedAnswer) -> bool:
    question = answer.question.question
    return not answer.abstained and bool(DISTANCE_QUESTION.search(question)) and len(_voltages(question)) == 1


def _wrong_row(answer: CheckedAnswer) -> list[str]:
    asked = _voltages(answer.question.question)
    if any(asked <= _voltages(quote) for quote in answer.quotes):
        return []
    return [f"no citation names {voltage} kV" for voltage in asked]


def _voltages(text: str) -> set[str]:
    return set(VOLTAGE.findall(text))
