"""Tokens per second of our LoRA loop beside the HF Trainer's defaults: same base, adapter, samples, seed, one
process each.

    python benchmarks/train_speed.py [--steps 6] [--rounds 3] [--gguf FILE] [--data SAMPLES.jsonl]

Rounds alternate (ours, theirs, ours, …). Reported: real tokens (padding left out) per second of wall time and per
second of CPU time, the median of the rounds, and the ratio; CPU time says more on a machine that others use. Both
see the same number of tokens with the same loss mask (answers only); the Trainer's batches hold four samples padded
to the longest, its default.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "platform"))
TOPICS = ("filters", "valves", "pumps", "ledgers", "exams", "wards", "relays", "maps")
VERBS = ("checked", "cleaned", "signed", "counted", "labelled", "stored")
SIDES = ("ours", "trainer")


def samples_made(count: int) -> list[dict[str, Any]]:
    """Questions over a short passage, of lengths as spread as those of the packs' datasets."""
    rows = []
    for number in range(count):
        topic, verb = TOPICS[number % len(TOPICS)], VERBS[number % len(VERBS)]
        rule = (
            f"All {topic} in building {number % 9 + 1} are {verb} every {number % 28 + 2} days by the shift on duty. "
        )
        filler = "The list hangs at the entrance and is renewed in spring. " * (number % 12)
        question = f"Evidence:\n[1] {rule}{filler}\n\nQuestion: how often are the {topic} {verb}?\n\nAnswer:\n"
        answer = f"All {topic} are {verb} every {number % 28 + 2} days by the shift on duty. [1]"
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        rows.append({"id": f"{number:04}", "split": "train", "messages": messages})
    return rows


def side_run(side: str, settings: dict[str, Any]) -> dict[str, float]:
    """Train ``steps`` batches one way; tokens, seconds, CPU seconds and the last loss. Runs in a process of its own."""
    import torch

    from liaoyuan.training.adapters.base import base_load, base_unpack
    from liaoyuan.training.adapters.batches import encode_fitting
    from liaoyuan.training.adapters.lora import lora_attach
    from liaoyuan.training.adapters.precision import precision_choose
    from liaoyuan.training.schemas import recipe_named, samples_read

    torch.set_num_threads(settings["threads"])
    folder = base_unpack(Path(settings["gguf"]), Path(settings["cache"]))
    recipe = recipe_named("default", max_steps=settings["steps"], max_seconds=3600)
    dtype = torch.float32
    if side == "ours":
        precision = precision_choose()
        precision.apply()
        dtype = precision.dtype
    base = base_load(folder, dtype)
    samples = [sample for sample in samples_read(Path(settings["data"])) if sample.split == "train"]
    items, _ = encode_fitting(base.tokenizer, samples, end=base.end, max_length=recipe.max_length)
    model = lora_attach(base.model, recipe)
    run = {"ours": _ours, "trainer": _trainer}[side]
    began, cpu = time.perf_counter(), time.process_time()
    tokens, loss = run(model, items, recipe, base.end, settings)
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"tokens": tokens, "seconds": took, "cpu_seconds": used, "loss": loss}


def _ours(model: Any, items: Any, recipe: Any, pad: int, settings: dict[str, Any]) -> tuple[int, float]:
    from liaoyuan.training.adapters.loop import train

    outcome = train(model, items, recipe, pad=pad)
    return outcome.tokens, outcome.curve[-1]["loss"]


def _trainer(model: Any, items: Any, recipe: Any, pad: int, settings: dict[str, Any]) -> tuple[int, float]:
    """``transformers.Trainer`` as its documentation starts it: batches of four, AdamW, nothing tuned."""
    from transformers import Trainer, TrainingArguments

    rows = [{"input_ids": list(item.ids), "labels": list(item.labels)} for item in items]
    arguments = TrainingArguments(
        output_dir=settings["cache"],
        max_steps=settings["trainer_steps"],
        per_device_train_batch_size=4,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1,
    )
    seen: list[int] = []

    def collate(features: list[dict[str, Any]]) -> dict[str, Any]:
        seen.append(sum(len(feature["input_ids"]) for feature in features))
        return _padded(features, pad)

    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collate)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return sum(seen[: settings["trainer_steps"]]), float(losses[-1])


def _padded(features: list[dict[str, Any]], pad: int) -> dict[str, Any]:
    import torch

    longest = max(len(feature["input_ids"]) for feature in features)
    gaps = [longest - len(feature["input_ids"]) for feature in features]
    pairs = list(zip(features, gaps, strict=True))
    return {
        "input_ids": torch.tensor([f["input_ids"] + [pad] * gap for f, gap in pairs]),
        "attention_mask": torch.tensor([[1] * len(f["input_ids"]) + [0] * gap for f, gap in pairs]),
        "labels": torch.tensor([f["labels"] + [-100] * gap for f, gap in pairs]),
    }


def median_rates(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Medians over the rounds of one side."""
    return {
        "tokens_per_second": statistics.median(r["tokens"] / r["seconds"] for r in rounds),
        "tokens_per_cpu_second": statistics.median(r["tokens"] / r["cpu_seconds"] for r in rounds),
        "tokens": statistics.median(r["tokens"] for r in rounds),
        "last_loss": statistics.median(r["loss"] for r in rounds),
    }


def measure(settings: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Alternate the sides, each time in a fresh process."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
            found[side].append(_child(side, settings))
            print(f"round {number + 1} {side}: {found[side][-1]}", file=sys.stderr, flush=True)
    sides = {side: median_rates(rows) for side, rows in found.items()}
    ours, theirs = sides["ours"], sides["trainer"]
    ratios = {key: ours[key] / theirs[key] for key in ("tokens_per_second", "tokens_per_cpu_second")}
    return sides | {"ratio": ratios, "rounds": rounds, "load": os.getloadavg()[0], "threads": settings["threads"]}


def _child(side: str, settings: dict[str, Any]) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--settings", json.dumps(settings)]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    from liaoyuan.pipeline.base_models import base_model_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6, help="our batches, of 1,024 tokens")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--data", type=Path, help="samples as the data stage writes them")
    parser.add_argument("--cache", type=Path, help="keep the unpacked base here")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(side_run(options.side, json.loads(options.settings))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch) / "samples.jsonl"
        if options.data is None:
            data.write_text("".join(json.dumps(row) + "\n" for row in samples_made(200)))
        settings = {
            "gguf": str(options.gguf or base_model_path()),
            "cache": str(options.cache or Path(scratch) / "cache"),
            "data": str(data),
            "steps": options.steps,
            # Four samples of the default set are about 700 tokens: half as many batches again for the same tokens.
            "trainer_steps": max(1, round(options.steps * 1.5)),
            "threads": len(os.sched_getaffinity(0)),
        }
        print(json.dumps(measure(settings, options.rounds), indent=1))


if __name__ == "__main__":
    main()
