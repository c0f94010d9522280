"""The client against a server that drops connections: tried again before the first token, never after it."""

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from liaoyuan.pipeline.adapters.model_server import ModelServerClient, ModelServerCut, ModelServerDown

MODELS = json.dumps({"data": [{"id": "m"}]}).encode()
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(MODELS), MODELS)
CHUNK = b'data: {"choices": [{"delta": {"content": "hello"}}]}\n\n'
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(CHUNK), CHUNK)
DROP = b""


class Script:
    """Answers each connection with the next of ``replies`` and closes it; counts the connections."""

    def __init__(self, replies: list[bytes]) -> None:
        self.calls = 0
        self._replies = replies
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for reply in self._replies:
            connection, _ = self._socket.accept()
            with connection:
                self.calls += 1
                connection.recv(65536)
                connection.sendall(reply)

    def close(self) -> None:
        self._thread.join(timeout=5)
        self._socket.close()


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(*replies: bytes) -> Script:
        made.append(Script(list(replies)))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_a_dropped_connection_is_tried_again(script: Callable[..., Script]) -> None:
    server = script(DROP, DROP, WHOLE)
    assert ModelServerClient(server.url, "t").models() == ["m"]
    assert server.calls == 3


def test_after_the_last_try_the_server_is_down(script: Callable[..., Script]) -> None:
    server = script(DROP, DROP)
    with pytest.raises(ModelServerDown):
        ModelServerClient(server.url, "t", tries=2).models()
    assert server.calls == 2


def test_a_stream_is_tried_again_before_its_first_token_and_cut_after_it(script: Callable[..., Script]) -> None:
    server = script(DROP, STREAM)
    stream = ModelServerClient(server.url, "t").chat_stream([{"role": "user", "content": "x"}])

    assert next(stream).text == "hello"
    with pytest.raises(ModelServerCut):
        next(stream)
    assert server.calls == 2
