"""Domain gates of the education pack: a right date of the wrong term is a wrong answer."""

import re

from liaoyuan.industry.plugin import CheckContext, CheckedAnswer, CheckResult, register_check

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
# Calendar dates in both languages, terms, and weeks of a term.
DATE = re.compile(
    rf"(?:\d{{4}}年)?\d{{1,2}}月\d{{1,2}}日|\d{{1,2}} (?:{MONTHS})(?: \d{{4}})?"
    r"|\d{4}(?:-\d{4})?学?年[秋春夏]季学期|第\d{1,2}周"
)
SPACE = re.compile(r"\s+")


@register_check("dates-quoted")
def dates_quoted(context: CheckContext) -> CheckResult:
    """Share of answers whose every date, term and week also stands in a cited sentence (1.0 if none is to check)."""
    judged = [(answer, _uncited(answer)) for answer in context.answers if not answer.abstained]
    problems = tuple(f"{answer.question.id}: {', '.join(missing)}" for answer, missing in judged if missing)
    value = 1.0 - len(problems) / len(judged) if judged else 1.0
    return CheckResult(value=value, problems=problems)


def _uncited(answer: CheckedAnswer) -> list[str]:
    quoted = SPACE.sub("", "\n".join(answer.quotes))
    return [date for date in DATE.findall(answer.answer) if SPACE.sub("", date) not in quoted]
