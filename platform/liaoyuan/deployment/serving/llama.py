"""One llama.cpp server inside this process: the base model and a fixed list of adapters, chosen per request.

llama.cpp cannot add an adapter to a loaded model, so :mod:`pool` brings up a new one with the longer list and swaps.
"""

import secrets
from pathlib import Path
from typing import Any

import xllamacpp

from liaoyuan.deployment.serving.adapters import Adapter
from liaoyuan.deployment.serving.settings import ServingSettings

PROMPT_CACHE_MIB = 256
LOG_WARNINGS = 1


class LlamaServer:
    """A running llama.cpp server on a loopback port of its own, guarded by a random key.

    Raises RuntimeError when the model or an adapter cannot be loaded.
    """

    def __init__(self, settings: ServingSettings, adapters: list[Adapter]) -> None:
        self.adapters = {adapter.name: index for index, adapter in enumerate(adapters)}
        self.key = secrets.token_urlsafe(32)
        self.active = 0
        self._server: Any = xllamacpp.Server(_parameters(settings, adapters, self.key))
        self.url = str(self._server.listening_address)

    def lora(self, name: str | None) -> list[dict[str, float]]:
        """The request field that turns ``name`` on and every other adapter off; KeyError for an unknown one."""
        return [] if name is None else [{"id": self.adapters[name], "scale": 1.0}]

    def close(self) -> None:
        """Stop it and free its memory."""
        self._server = None


def _parameters(settings: ServingSettings, adapters: list[Adapter], key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(Path(settings.model_path))
    parameters.model_alias = {settings.base_name}
    parameters.n_parallel = settings.slots
    parameters.n_ctx = settings.context * settings.slots
    parameters.cpuparams.n_threads = settings.threads
    parameters.cpuparams_batch.n_threads = settings.threads
    parameters.cache_prompt = True
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.ctx_shift = False
    parameters.use_jinja = True
    parameters.warmup = True
    parameters.verbosity = LOG_WARNINGS
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.lora_init_without_apply = True
    parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter.path), 0.0) for adapter in adapters]
    return parameters
