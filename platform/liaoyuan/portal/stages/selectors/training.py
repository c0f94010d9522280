"""The training page: the loss as it falls, base against result, and whether it is served as it was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.portal.stages.charts import loss_option
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.training.models import TrainingRun
from liaoyuan.training.selectors import live_curve, training_of_run, trainings_of_solution


@dataclass(frozen=True)
class Row:
    """One measure of base and tuned; ``better`` None where they are equal or where nothing says which is better."""

    name: str
    hint: str
    base: float | None
    tuned: float | None
    better: bool | None
    other: float | None = None


@dataclass(frozen=True)
class ParityRow:
    """One prompt: what training wrote and what the server writes."""

    text: str
    served: str
    same: bool
    difference: float


@dataclass(frozen=True)
class Other:
    """Another training of the same solution, to compare with."""

    run_id: UUID
    pipeline: int | None
    training: TrainingRun
    current: bool


@dataclass(frozen=True)
class TrainingPage:
    """``done`` is None until it has finished; the curve and the newest numbers are there from the first step on."""

    curve: Sequence[Mapping[str, float]]
    last: Mapping[str, float]
    steps: int | None
    done: TrainingRun | None
    rows: Sequence[Row]
    parity: Sequence[ParityRow]
    recipe: Sequence[tuple[str, Any, bool]]
    others: Sequence[Other]
    compared: Other | None
    live: str
    chart: Mapping[str, Any] | None


def training_page(frame: Frame, compare: UUID | None) -> TrainingPage | None:
    """What the chosen run tells of its training; None while there is nothing to tell."""
    if frame.run is None:
        return None
    run = frame.run.row
    done = training_of_run(run)
    curve = done.report["training"]["curve"] if done else live_curve(run.id)
    if not curve and done is None and run.state != RunState.RUNNING:
        return None
    others = _others(run, frame.solution.id, compare)
    compared = next((other for other in others if other.current), None)
    return TrainingPage(
        curve=curve,
        last=curve[-1] if curve else {},
        steps=done.report["training"].get("planned_steps") if done else planned_steps(run),
        done=done,
        rows=_rows(done, compared.training if compared else None) if done else [],
        parity=_parity(done) if done else [],
        recipe=_recipe(done, compared.training if compared else None) if done else [],
        others=others,
        compared=compared,
        live=reverse("training_curve", args=[frame.solution.id]) + f"?run={run.id}" if frame.run.open else "",
        chart=_chart(curve, done, compared),
    )


def planned_steps(run: StageRun) -> int | None:
    """Steps of the whole run as its own spec says; None where the pack's recipe decides."""
    chosen = dict(run.spec.get("training", {})) | dict(
        (run.solution.options if run.solution else {}).get("training", {})
    )
    return int(chosen["max_steps"]) if "max_steps" in chosen else None


def _others(run: StageRun, solution_id: UUID, compare: UUID | None) -> list[Other]:
    """The finished trainings of the solution but this run's own, newest first."""
    found = []
    own = training_of_run(run)
    for other, training in trainings_of_solution(solution_id):
        if other.id != run.id and (own is None or training.id != own.id):
            number = other.pipeline.number if other.pipeline else None
            found.append(Other(other.id, number, training, other.id == compare))
    return found


def _chart(
    curve: Sequence[Mapping[str, float]], done: TrainingRun | None, compared: Other | None
) -> Mapping[str, Any] | None:
    if not curve and done is None:
        return None
    curves = [(_("this run"), curve)]
    if compared:
        curves.append(
            (_("pass %(number)s") % {"number": compared.pipeline}, compared.training.report["training"]["curve"])
        )
    held_out = {}
    if done:
        scores = done.report["evaluation"]
        held_out = {_("held out, before"): scores["base"]["loss"], _("held out, after"): scores["tuned"]["loss"]}
    return loss_option(curves, held_out)


def _rows(done: TrainingRun, other: TrainingRun | None) -> list[Row]:
    base, tuned = done.report["evaluation"]["base"], done.report["evaluation"]["tuned"]
    forgetting = done.report["forgetting"]
    theirs = other.report["evaluation"]["tuned"] if other else {}
    general = other.report["forgetting"]["tuned_perplexity"] if other else None

    def row(name: str, hint: str, key: str, *, up: bool) -> Row:
        return _row(name, hint, (base.get(key), tuned.get(key), theirs.get(key)), up=up)

    return [
        row(_("Held-out loss"), _("Surprise at answers that it was not taught. Lower is better."), "loss", up=False),
        row(_("Held-out perplexity"), _("The same as a count of equally likely words."), "perplexity", up=False),
        row(_("Word overlap (F1)"), _("How many words of its own answers are the right ones."), "f1", up=True),
        row(_("Exact answers"), _("Share of its own answers that are right to the letter."), "exact", up=True),
        _row(
            _("Perplexity of general text"),
            _("Whether it forgot its ordinary language. It should hardly rise."),
            (forgetting["base_perplexity"], forgetting["tuned_perplexity"], general),
            up=False,
        ),
    ]


def _row(name: str, hint: str, values: tuple[float | None, float | None, float | None], *, up: bool) -> Row:
    base, tuned, other = values
    equal = base is None or tuned is None or base == tuned
    return Row(name, hint, base, tuned, None if equal else (tuned > base) == up, other)  # type: ignore[operator]


def _parity(done: TrainingRun) -> list[ParityRow]:
    """Those that differ first."""
    rows = sorted(done.parity.get("rows", []), key=lambda row: (row["same_text"], -row["difference"]))
    return [ParityRow(row["text"], row["served_text"], row["same_text"], row["difference"]) for row in rows]


def _recipe(done: TrainingRun, other: TrainingRun | None) -> list[tuple[str, Any, bool]]:
    """(name, value, whether the compared run differs)."""
    theirs = other.recipe if other else done.recipe
    return [(name, _shown(value), theirs.get(name) != value) for name, value in done.recipe.items()]


def _shown(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
