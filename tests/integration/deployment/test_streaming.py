"""A model that streams: sentences are told as they stand, a wrong one ends the stream, a broken stream is said."""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from typing import Any

import pytest

from liaoyuan.deployment.errors import ChatUnavailable
from liaoyuan.deployment.generating import Generated, generate
from liaoyuan.deployment.recorder import Recorder
from liaoyuan.deployment.telling import Teller
from liaoyuan.industry.selectors import industry_get

PACK = industry_get("medical")
SCENARIO = PACK.scenario("guideline-qa")
QUESTION = "速干手消毒剂开启后的有效期为多少天？"
EVIDENCE = ["速干手消毒剂开启后的有效期为30天。超过有效期的应当丢弃。"]
PIECES = ("速干手消毒剂", "开启后的有效期", "为30天。超过", "有效期的应当丢弃。")
WRONG = "速干手消毒剂开启后的有效期为90天。"
PATIENCE = 30.0


@dataclass
class Streaming:
    """A real endpoint that writes ``pieces`` as server-sent events and ends as ``ending`` says: done, length (its limit
    of tokens was reached), cut, error."""

    pieces: Iterable[str] = ()
    ending: str = "done"
    asked: list[dict[str, Any]] = field(default_factory=list)
    # Set when a reader went away while the endpoint was still writing.
    left: threading.Event = field(default_factory=threading.Event)

    def events(self) -> Iterator[bytes]:
        for piece in self.pieces:
            yield self._event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        if self.ending == "error":
            yield b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n'
        if self.ending in {"done", "length"}:
            reason = "stop" if self.ending == "done" else "length"
            yield self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
            usage = {"prompt_tokens": 41, "completion_tokens": 7, "total_tokens": 48}
            yield self._event({"choices": [], "usage": usage})
            yield b"data: [DONE]\n\n"

    def _event(self, body: dict[str, Any]) -> bytes:
        known = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "chat"}
        return b"data: " + json.dumps(known | body).encode() + b"\n\n"


@pytest.fixture
def streaming(settings: Any) -> Iterator[Streaming]:
    endpoint = Streaming()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            endpoint.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for event in endpoint.events():
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            except OSError:
                endpoint.left.set()
            else:
                # A cut stream ends without the last chunk, as a server that died leaves it.
                self.wfile.write(b"" if endpoint.ending == "cut" else b"0\r\n\r\n")
            self.close_connection = True

        def log_request(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    settings.CHAT_URL = f"http://127.0.0.1:{server.server_port}/v1"
    settings.CHAT_API_KEY, settings.CHAT_MODEL = "secret", "chat"
    yield endpoint
    server.shutdown()
    server.server_close()


@pytest.fixture
def told() -> list[str]:
    return []


def written(told: list[str], recorder: Recorder | None = None) -> Generated:
    return generate(
        pack=PACK,
        scenario=SCENARIO,
        question=QUESTION,
        evidence=EVIDENCE,
        model_name="",
        recorder=recorder or Recorder(),
        teller=Teller(told.append, lambda text: True),
    )


def test_each_sentence_is_told_once_it_is_finished(streaming: Streaming, told: list[str]) -> None:
    streaming.pieces = PIECES
    recorder = Recorder()
    found = written(told, recorder)
    assert streaming.asked[0]["stream"] is True
    assert found.grounded
    assert told == ["速干手消毒剂开启后的有效期为30天。", "超过有效期的应当丢弃。"]
    assert found.text == "".join(told) == "".join(PIECES)
    assert (recorder.prompt_tokens, recorder.completion_tokens) == (41, 7)


def test_a_sentence_without_evidence_ends_a_stream_that_would_never_end(streaming: Streaming, told: list[str]) -> None:
    streaming.pieces = chain(["速干手消毒剂开启后的有效期为30天。", WRONG], repeat("超过有效期的应当丢弃。"))
    found = written(told)
    assert not found.grounded
    assert told == ["速干手消毒剂开启后的有效期为30天。"] and found.told == told[0]
    assert streaming.left.wait(PATIENCE)


@pytest.mark.parametrize("ending", ["cut", "error"])
def test_a_stream_that_breaks_off_is_no_answer_and_takes_nothing_back(
    streaming: Streaming, told: list[str], ending: str
) -> None:
    streaming.pieces, streaming.ending = PIECES[:3], ending
    with pytest.raises(ChatUnavailable):
        written(told)
    assert told == ["速干手消毒剂开启后的有效期为30天。"]
    assert len(streaming.asked) == 1


def test_a_half_sentence_at_the_end_is_checked_like_any_other(streaming: Streaming, told: list[str]) -> None:
    streaming.pieces = ["速干手消毒剂开启后的有效期为30天。", "速干手消毒剂开启后的有效期为90天"]
    found = written(told)
    assert not found.grounded
    assert told == ["速干手消毒剂开启后的有效期为30天。"]


def test_a_model_that_runs_in_circles_is_stopped_and_each_sentence_is_told_once(
    streaming: Streaming, told: list[str]
) -> None:
    streaming.pieces = repeat("速干手消毒剂开启后的有效期为30天。")
    found = written(told)
    assert not found.grounded
    assert told == ["速干手消毒剂开启后的有效期为30天。"]
    assert streaming.left.wait(PATIENCE)


def test_what_the_limit_of_tokens_cut_off_is_no_answer(streaming: Streaming, told: list[str]) -> None:
    streaming.pieces, streaming.ending = ["速干手消毒剂开启后的有效期为30天。", "超过有效期"], "length"
    found = written(told)
    assert not found.grounded
    assert told == ["速干手消毒剂开启后的有效期为30天。"]


def test_a_list_that_is_opened_and_never_comes_is_not_told(streaming: Streaming, told: list[str]) -> None:
    streaming.pieces = ["速干手消毒剂开启后的有效期", "为："]
    assert not written(told).grounded
    assert told == []
