"""Why an answer was bad: one cause, computed from evidence, with the screen that mends it."""

from liaoyuan.knowledge.questions.verdict.cases import Case, case_of_question, case_of_row, case_of_text
from liaoyuan.knowledge.questions.verdict.finding import Cause, Finding, Verdict
from liaoyuan.knowledge.questions.verdict.judging import verdict_of

__all__ = ["Case", "Cause", "Finding", "Verdict", "case_of_question", "case_of_row", "case_of_text", "verdict_of"]
