"""One training run from files to files: what the child process does."""

import hashlib
import json
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.training.adapters.base import Base, base_load, base_unpack
from liaoyuan.training.adapters.batches import Encoded, encode_fitting, prompt_ids
from liaoyuan.training.adapters.evaluate import Scores, greedy, greedy_scores, held_out_loss, verdict
from liaoyuan.training.adapters.gguf_export import gguf_tensors, gguf_write
from liaoyuan.training.adapters.loop import Hooks, Outcome, train
from liaoyuan.training.adapters.lora import lora_attach, lora_save, lora_weights
from liaoyuan.training.adapters.precision import precision_choose
from liaoyuan.training.adapters.references import references_make
from liaoyuan.training.errors import DatasetTooSmall
from liaoyuan.training.schemas import FEWEST_EVAL, FEWEST_TRAIN, Recipe, Sample, samples_read

GENERAL = Path(__file__).resolve().parents[1] / "general.jsonl"
ADAPTER = "adapter.gguf"
GREEDY_ANSWER = 32
# Where in the run (0..1) its parts begin; learned on two cores.
BASE_SCORES, LEARNING, TUNED_SCORES, REFERENCES = 0.05, 0.15, 0.75, 0.88


@dataclass(frozen=True)
class Job:
    """Everything the child is told. ``output`` and ``checkpoint`` are folders of this run alone."""

    dataset: Path
    gguf: Path
    cache: Path
    output: Path
    checkpoint: Path
    name: str
    recipe: dict[str, Any] = field(default_factory=dict)
    threads: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Job":
        body: dict[str, Any] = json.loads(text)
        return cls(**(body | {key: Path(body[key]) for key in ("dataset", "gguf", "cache", "output", "checkpoint")}))


class Voice(Protocol):
    """How a job tells where it is and hears that it should stop."""

    def say(self, fraction: float, step: str, numbers: dict[str, Any]) -> None: ...
    def cancelled(self) -> bool: ...


@dataclass(frozen=True)
class Material:
    """The dataset as ids, by use."""

    train: list[Encoded]
    held_out: list[Encoded]
    general: list[Encoded]
    too_long: list[str]
    greedy: list[Sample]
    parity: list[Sample]
    identity: str


def job_run(job: Job, voice: Voice) -> dict[str, Any]:
    """Train, evaluate, export and make the parity references; returns the report (JSON-ready), files are in ``output``.

    Raises RunCancelled and the errors of :mod:`liaoyuan.training.errors`.
    """
    return _Job(job, voice).run()


class _Job:
    def __init__(self, job: Job, voice: Voice) -> None:
        self.job, self.voice = job, voice
        self.recipe = Recipe.model_validate(job.recipe)
        self.began = time.monotonic()

    def run(self) -> dict[str, Any]:
        torch.set_num_threads(self.job.threads or len(os.sched_getaffinity(0)))
        samples = samples_read(self.job.dataset)
        material_check(samples)
        self._say(0.0, "unpack")
        folder = base_unpack(self.job.gguf, self.job.cache)
        precision = precision_choose()
        precision.apply()
        base = base_load(folder, precision.dtype)
        material = material_make(base, samples, self.recipe)
        before, general_before = self._scores(base.model, base, material, BASE_SCORES, "evaluate_base")
        model = lora_attach(base.model, self.recipe)
        outcome = self._train(model, base, material)
        model.eval()
        after, general_after = self._scores(model.get_base_model(), base, material, TUNED_SCORES, "evaluate_tuned")
        weights = self._export(model, base)
        report = self._report(outcome, material, before, after, (general_before, general_after))
        report |= {"base_sha256": base.sha256, "precision": precision.as_dict()}
        prompts = [(sample.id, prompt_ids(base.tokenizer, sample.prompt())) for sample in material.parity]
        del base, model  # the references load an exact base of their own
        self._references(folder, weights, prompts)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        report |= {"seconds": time.monotonic() - self.began, "peak_memory_mb": usage.ru_maxrss / 1024}
        report["cpu_seconds"] = usage.ru_utime + usage.ru_stime
        return report

    def _say(self, fraction: float, step: str, **numbers: Any) -> None:
        if self.voice.cancelled():
            raise RunCancelled
        self.voice.say(fraction, step, numbers)

    def _train(self, model: Any, base: Base, material: Material) -> Outcome:
        def progress(fraction: float, numbers: dict[str, float]) -> None:
            self.voice.say(LEARNING + (TUNED_SCORES - LEARNING) * fraction, "train", numbers)

        return train(
            model,
            material.train,
            self.recipe,
            pad=base.end,
            identity=material.identity,
            hooks=Hooks(progress, self.voice.cancelled),
            checkpoint_dir=self.job.checkpoint,
        )

    def _scores(self, model: Any, base: Base, material: Material, fraction: float, step: str) -> tuple[Scores, float]:
        """Scores on held-out samples, and loss on the general ones."""

        def pulse() -> None:
            self._say(fraction, step)

        loss, count = held_out_loss(model, material.held_out, pad=base.end, pulse=pulse)
        general, _ = held_out_loss(model, material.general, pad=base.end, pulse=pulse)
        if not material.greedy:
            return Scores(loss, count), general
        prompts = [prompt_ids(base.tokenizer, sample.prompt()) for sample in material.greedy]
        answers = greedy(model, prompts, tokens=GREEDY_ANSWER, end=base.end, pulse=pulse)
        texts = [base.tokenizer.decode(answer.before(base.end)) for answer in answers]
        exact, shared = greedy_scores(texts, [sample.answer for sample in material.greedy])
        return Scores(loss, count, exact, shared, len(texts)), general

    def _export(self, model: Any, base: Base) -> Path:
        output = self.job.output
        weights = lora_save(model, self.recipe, base.sha256, output / "peft")
        tensors = gguf_tensors(lora_weights(model), base.shape)
        gguf_write(output / ADAPTER, tensors, alpha=self.recipe.alpha, name=self.job.name, base_sha256=base.sha256)
        return weights

    def _references(self, folder: Path, weights: Path, prompts: list[tuple[str, list[int]]]) -> None:
        def pulse() -> None:
            self._say(REFERENCES, "references")

        made = references_make(folder, weights, self.recipe, prompts, pulse=pulse)
        body = [asdict(reference) for reference in made]
        (self.job.output / "references.json").write_text(json.dumps(body, ensure_ascii=False))

    def _report(
        self, outcome: Outcome, material: Material, before: Scores, after: Scores, general: tuple[float, float]
    ) -> dict[str, Any]:
        perplexities = Scores(general[0], 0).perplexity, Scores(general[1], 0).perplexity
        judged = verdict(before, after, perplexities, self.recipe.forgetting_limit)
        training = asdict(outcome) | {"tokens_per_second": outcome.tokens_per_second}
        return {
            "training": training,
            "evaluation": {"base": before.as_dict(), "tuned": after.as_dict()},
            "forgetting": {
                "base_perplexity": perplexities[0],
                "tuned_perplexity": perplexities[1],
                "ratio": perplexities[1] / perplexities[0],
                "limit": self.recipe.forgetting_limit,
            },
            "verdict": asdict(judged),
            "samples": {
                "train": len(material.train),
                "eval": len(material.held_out),
                "too_long": material.too_long,
            },
            "recipe": self.recipe.model_dump(mode="json"),
        }


def material_check(samples: Sequence[Sample]) -> None:
    """Refuse a dataset too small to learn or to judge from, before anything slow starts. Raises DatasetTooSmall."""
    for split, needed in (("train", FEWEST_TRAIN), ("eval", FEWEST_EVAL)):
        count = sum(sample.split == split for sample in samples)
        if count < needed:
            raise DatasetTooSmall(split=split, count=count, needed=needed)


def material_make(base: Base, samples: Sequence[Sample], recipe: Recipe) -> Material:
    """Encode by split; parity asks held-out prompts first and training prompts where those are too few."""
    by_split = {split: [s for s in samples if s.split == split] for split in ("train", "eval", "gate")}

    def fitting(chosen: Sequence[Sample]) -> tuple[list[Encoded], list[str]]:
        return encode_fitting(base.tokenizer, chosen, end=base.end, max_length=recipe.max_length)

    learnt, long_train = fitting(by_split["train"])
    unseen, long_eval = fitting(by_split["eval"])
    for split, items, needed in (("train", learnt, FEWEST_TRAIN), ("eval", unseen, FEWEST_EVAL)):
        if len(items) < needed:
            raise DatasetTooSmall(split=split, count=len(items), needed=needed)
    held_out = spread(unseen, recipe.eval_samples)
    by_id = {sample.id: sample for sample in samples}
    # Shortest first: the server reads every prompt twice.
    asked = sorted(unseen, key=lambda item: item.start) + sorted(learnt, key=lambda item: item.start)
    return Material(
        train=learnt,
        held_out=held_out,
        general=fitting(samples_read(GENERAL))[0],
        too_long=long_train + long_eval,
        greedy=[by_id[item.id] for item in spread(held_out, recipe.greedy_samples)],
        parity=[by_id[item.id] for item in asked[: recipe.parity_prompts]],
        identity=_identity(base, learnt, recipe),
    )


def spread(items: list[Encoded], count: int) -> list[Encoded]:
    """``count`` of ``items`` at even distances (all when there are fewer):

    a file's order often follows its documents.
    """
    if len(items) <= count:
        return items
    return [items[index * len(items) // count] for index in range(count)]


def _identity(base: Base, items: Sequence[Encoded], recipe: Recipe) -> str:
    """Ties a checkpoint to base, data and recipe."""
    body = json.dumps([base.sha256, recipe.digest(), [(item.id, item.ids, item.start) for item in items]])
    return hashlib.sha256(body.encode()).hexdigest()
