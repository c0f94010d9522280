"""A proxy as hospitals have them: it gathers what the server says and passes it on late. It can be unplugged."""

import asyncio
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes on the answer's bytes when ``block`` of them are there, or after ``seconds``."""

    def __init__(self, upstream: str, *, block: int = 4096, seconds: float = 1.0) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._block, self._seconds = block, seconds
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.plug()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def plug(self) -> None:
        """Listen, on the same port as before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def unplug(self) -> None:
        """Drop every connection and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(10)

    def close(self) -> None:
        self.unplug()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        both = {writer, upstream_writer}
        self._writers |= both
        with suppress(OSError):
            await asyncio.gather(self._ask(reader, upstream_writer), self._answer(upstream_reader, writer))
        for each in both:
            each.close()
        self._writers -= both

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gathered, since = b"", 0.0
        loop = asyncio.get_running_loop()
        while True:
            wait = since + self._seconds - loop.time() if gathered else None
            try:
                part = await asyncio.wait_for(reader.read(65536), wait)
            except TimeoutError:
                part = None
            since = since if gathered else loop.time()
            gathered += part or b""
            if part == b"" or part is None or len(gathered) >= self._block:
                writer.write(gathered)
                await writer.drain()
                gathered = b""
            if part == b"":
                writer.close()
                return
