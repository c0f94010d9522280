"""Measuring a collection, making questions for it, learning its order from them: durable runs with progress, cancel
and resume."""

from typing import ClassVar

from liaoyuan.knowledge.questions.evaluating import evaluation_carry_out
from liaoyuan.knowledge.questions.proposing import SYNTHESISE, questions_carry_out
from liaoyuan.knowledge.questions.teaching import LEARN, learning_carry_out
from liaoyuan.pipeline.contract import Artifacts, SolutionSpec, StageContext, StageName, StagePlan


class EvaluateStage:
    """Takes ``spec``: task (measure, synthesise or learn), collection_id, and what the task needs. Gives no artifact:
    the rows stand in the question tables, one by one, so that the next attempt goes on where the last one stopped."""

    name: ClassVar[StageName] = StageName.EVALUATE
    queue: ClassVar[str] = "evaluate"

    def plan(self, solution: SolutionSpec) -> StagePlan:
        return StagePlan("评测文档集", "Evaluate the collection", 60.0)

    def run(self, context: StageContext) -> Artifacts:
        """Carry out one task. Raises RunCancelled."""
        if context.spec.get("task") == SYNTHESISE:
            return questions_carry_out(context)
        if context.spec.get("task") == LEARN:
            return learning_carry_out(context)
        evaluation = evaluation_carry_out(context)
        shown = {name: evaluation.metrics.get(name) for name in ("recall@5", "must_contain")}
        said = ", ".join(f"{name} {value:.3f}" for name, value in shown.items() if value is not None)
        return Artifacts(
            result={"evaluation": str(evaluation.id), "metrics": evaluation.metrics, "intervals": evaluation.intervals},
            summary_zh=f"已评测 {evaluation.count} 个问题" + (f"：{said}" if said else ""),
            summary_en=f"{evaluation.count} questions asked" + (f": {said}" if said else ""),
        )
