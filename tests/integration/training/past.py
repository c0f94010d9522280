"""What a finished training leaves behind, in which retrieval alone won."""

from typing import Any

SCORES = {"loss": 2.0, "perplexity": 7.4, "answer_tokens": 9, "exact": 0.0, "f1": 0.1, "greedy_samples": 1}
REPORT: dict[str, Any] = {
    "training": {
        "curve": [{"step": 1, "loss": 2.0}],
        "steps": 1,
        "stopped_by": "done",
        "resumed_from": 0,
        "tokens": 100,
        "tokens_per_second": 50.0,
        "seconds": 2.0,
    },
    "evaluation": {"base": SCORES, "tuned": SCORES},
    "forgetting": {"ratio": 1.0, "limit": 1.25, "base_perplexity": 9.0, "tuned_perplexity": 9.0},
    "verdict": {
        "adapter_better": False,
        "reasons": ["held_out_not_better"],
        "summary_zh": "仅用检索更好",
        "summary_en": "RAG alone wins",
    },
    "samples": {"train": 8, "eval": 2, "too_long": []},
    "precision": {},
    "seconds": 3.0,
    "cpu_seconds": 3.0,
    "peak_memory_mb": 900.0,
}
PARITY: dict[str, Any] = {
    "passed": True,
    "prompts": 1,
    "first_share": 1.0,
    "greedy_share": 1.0,
    "visible_share": 1.0,
    "median_difference": 0.01,
    "largest_difference": 0.01,
    "base_first_share": 1.0,
    "base_median_difference": 0.01,
    "median_effect": 1.0,
    "merged_largest": 0.0,
    "tolerance": 0.15,
    "rows": [],
}
PAST: dict[str, Any] = {"report": REPORT, "parity": PARITY, "seconds": 3.0, "tokens": 100, "peak_memory_mb": 900.0}
