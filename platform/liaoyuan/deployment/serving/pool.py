"""The llama server in use, exchanged for another when an adapter comes; requests in flight finish on the old one."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from liaoyuan.deployment.serving.adapters import Adapter, AdapterStore
from liaoyuan.deployment.serving.errors import AdapterExists, AdapterRefused, UnknownModel
from liaoyuan.deployment.serving.llama import LlamaServer
from liaoyuan.deployment.serving.settings import EMBEDDING_MODEL, ServingSettings

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 300.0
POLL_SECONDS = 0.05


class ModelPool:
    """Everything that generates text here. Use from one event loop."""

    def __init__(self, settings: ServingSettings) -> None:
        self.settings = settings
        self._store = AdapterStore(settings.adapters_file)
        self._adapters: dict[str, Adapter] = {}
        self._lost: dict[str, str] = {}
        self._changing = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._server: LlamaServer | None = None

    async def start(self) -> None:
        """Load the base model and the remembered adapters; RuntimeError if the base model does not load."""
        adapters, self._lost = await asyncio.to_thread(self._store.restore)
        try:
            self._server = await asyncio.to_thread(LlamaServer, self.settings, adapters)
        except RuntimeError as error:
            if not adapters:
                raise
            # Better the base alone than nothing; /health and the log say what is missing.
            self._lost |= {adapter.name: f"llama.cpp refused it: {error}" for adapter in adapters}
            adapters = []
            self._server = await asyncio.to_thread(LlamaServer, self.settings, adapters)
        self._adapters = {adapter.name: adapter for adapter in adapters}
        for name, reason in self._lost.items():
            logger.error("adapter %s was not restored: %s", name, reason)

    async def stop(self) -> None:
        """Free the servers; requests in flight are cut."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self._server is not None:
            await asyncio.to_thread(self._server.close)
            self._server = None

    def names(self) -> list[str]:
        """What a request may give as ``model`` for text."""
        return [self.settings.base_name, *self._adapters]

    def describe(self) -> dict[str, Any]:
        """For /health and /adapters."""
        adapters = [{"name": a.name, "sha256": a.sha256, "path": str(a.path)} for a in self._adapters.values()]
        return {"base": self.settings.base_name, "adapters": adapters, "lost": self._lost}

    def adapter_of(self, model: Any) -> str | None:
        """The adapter that ``model`` names, None for the base. Raises UnknownModel."""
        if model in (None, self.settings.base_name):
            return None
        if model not in self._adapters:
            raise UnknownModel(model=model, known=", ".join([*self.names(), EMBEDDING_MODEL]), param="model")
        return str(model)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[LlamaServer]:
        """The server in use, kept open until the block ends."""
        server = self._server
        if server is None:
            raise RuntimeError("the pool is not started")
        server.active += 1
        try:
            yield server
        finally:
            server.active -= 1

    async def adapter_add(self, name: str, source: Path, sha256: str) -> Adapter:
        """Verify, load beside what runs, then swap. The same name and bytes again: no change. Raises AdapterRefused."""
        async with self._changing:
            if name in (self.settings.base_name, EMBEDDING_MODEL):
                raise AdapterRefused(name=name, detail="this is the name of a model")
            present = self._adapters.get(name)
            if present is not None and present.sha256 == sha256.lower():
                return present
            if present is not None:
                raise AdapterExists(name=name)
            adapter = await asyncio.to_thread(self._store.take_in, name, source, sha256)
            wanted = [*self._adapters.values(), adapter]
            await self._exchange(wanted, adapter)
            self._lost.pop(name, None)
            self._store.save(wanted)
            return adapter

    async def adapter_remove(self, name: str) -> None:
        """No request can choose it from now on; its memory is freed with the next exchange. Raises UnknownModel."""
        async with self._changing:
            if name not in self._adapters:
                raise UnknownModel(model=name, known=", ".join(self._adapters) or "-", param="name")
            adapter = self._adapters.pop(name)
            kept = list(self._adapters.values())
            self._store.save(kept)
            self._store.forget_file(adapter, kept)

    async def _exchange(self, adapters: list[Adapter], newest: Adapter) -> None:
        began = time.monotonic()
        try:
            server = await asyncio.to_thread(LlamaServer, self.settings, adapters)
        except RuntimeError as error:
            self._store.forget_file(newest, list(self._adapters.values()))
            raise AdapterRefused(name=newest.name, detail=f"llama.cpp cannot load it ({error})") from error
        old, self._server = self._server, server
        self._adapters = {adapter.name: adapter for adapter in adapters}
        logger.info("now serving %d adapters, exchanged in %.1f s", len(adapters), time.monotonic() - began)
        if old is not None:
            task = asyncio.create_task(_close_drained(old))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _close_drained(server: LlamaServer) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while server.active and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
    await asyncio.to_thread(server.close)
