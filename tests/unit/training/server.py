"""llama.cpp in this process, with one adapter at most, under the interface that parity asks for."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import xllamacpp


class LlamaInProcess:
    """``model`` "base" is the bare model, anything else the adapter."""

    def __init__(self, model: Path, adapter: Path | None = None, *, threads: int = 1, context: int = 256) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(model)
        parameters.n_ctx = context
        parameters.n_parallel = 1
        parameters.warmup = False
        parameters.verbosity = 0
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        parameters.lora_init_without_apply = True
        if adapter is not None:
            parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0)]
        self._adapted = adapter is not None
        self._server: Any = xllamacpp.Server(parameters)

    def complete(
        self, prompt: Sequence[int], *, model: str, max_tokens: int, logprobs: int | None, cache_prompt: bool
    ) -> SimpleNamespace:
        body: dict[str, Any] = {
            "prompt": list(prompt),
            "max_tokens": max_tokens,
            "temperature": 0,
            "cache_prompt": cache_prompt,
            "lora": [{"id": 0, "scale": 1.0}] if model != "base" and self._adapted else [],
        }
        if logprobs is not None:
            body["logprobs"] = logprobs
        answer = self._server.handle_completions(body)
        choice = answer["choices"][0]
        content = (choice["logprobs"] or {}).get("content", [])
        rows = [{top["id"]: top["logprob"] for top in item["top_logprobs"]} for item in content]
        return SimpleNamespace(text=choice["text"], logprobs=rows)
