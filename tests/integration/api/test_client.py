"""The Python client against the real server: its README as it stands, pages, runs, folders, retries, typed errors."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import GUIDELINE, Application, Server

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "clients" / "python"))

from liaoyuan_client import (  # noqa: E402 - found by the path above
    Client,
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    RateLimited,
    RunEnded,
    Unreachable,
)
from liaoyuan_client.events import parse  # noqa: E402
from liaoyuan_client.uploading import files_below  # noqa: E402


@pytest.fixture
def client(server: Server, owner: Any, key_of: Callable[..., str]) -> Iterator[Client]:
    with server.client() as http, Client(server.url, key_of(owner), http=http) as found:
        found.transport.sleep = lambda seconds: None
        yield found


@pytest.fixture
def worker(deployed: Application) -> Iterator[None]:
    """Executes the organization's queued runs by the service that a worker calls, until the test ends: what tests
    before left in line may be hundreds of files."""
    from liaoyuan.accounts.tenancy import system_context
    from liaoyuan.pipeline.models import StageRun
    from liaoyuan.pipeline.services import stage_run_execute

    over = threading.Event()

    def work() -> None:
        from django.db import connections

        while not over.wait(0.2):
            with system_context("queued runs of a test") as alias:
                own = StageRun.objects.using(alias).filter(organization=deployed.organization)
                queued = list(own.filter(state="queued", stage="ingest").values_list("id", flat=True))
            for run_id in queued:
                stage_run_execute(run_id=run_id, worker="test")
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join(30)


def test_the_readme_does_what_it_says(
    server: Server,
    deployed: Application,
    key_of: Callable[..., str],
    worker: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The README's client is made without ours: no proxy of this machine may stand between.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "规定").mkdir()
    (tmp_path / "规定" / "手卫生.md").write_text(GUIDELINE, encoding="utf-8")
    readme = (ROOT / "clients" / "python" / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names = {"URL": server.url, "KEY": key_of(deployed.owner), "FOLDER": tmp_path}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - our own README
    printed = capsys.readouterr().out
    assert "in_force" in printed
    assert "30 天" in printed
    assert "not_found" in printed


def test_pages_are_walked_as_they_are_needed(client: Client) -> None:
    for number in range(7):
        client.collection(f"c{number}")
    assert [row["name"] for row in client.each("/collections", limit=3)] == [f"c{number}" for number in range(7)]
    assert [len(items) for items in client.pages("/collections", limit=3)] == [3, 3, 1]
    assert next(client.each("/collections", limit=1, sort="-name"))["name"] == "c6"


def test_a_run_is_followed_to_its_end(client: Client, stages: None) -> None:
    solution = client.solution("s", "medical", "guideline-qa")
    runs = client.start(solution["id"])
    client.post(f"/runs/{runs[0]['id']}/cancel")
    with pytest.raises(RunEnded) as ended:
        client.wait(runs[0]["id"])
    assert ended.value.run["state"] == "cancelled"
    events = client.events(runs[0]["id"])
    first = next(events)
    assert (first.kind, [event.kind for event in events]) == ("queued", ["cancelled"])
    assert next(client.events(runs[0]["id"], after=first.seq)).kind == "cancelled"
    with pytest.raises(TimeoutError):
        client.wait(runs[1]["id"], seconds=-1)


def test_a_stream_goes_on_after_a_break(client: Client, stages: None) -> None:
    """The first connection dies after one event; the second asks for what came behind it."""
    asked: list[str] = []

    class Breaking(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.headers.get("Last-Event-ID", ""))
            number = len(asked)
            body = f'id: {number}\nevent: progress\ndata: {{"n": {number}}}\n\n: alive\n\n'
            return httpx.Response(200, text=body, headers={"Content-Type": "text/event-stream"})

    broken = Client("http://127.0.0.1", "k", http=httpx.Client(transport=Breaking()))
    broken.transport.sleep = lambda seconds: None
    events = broken.events("x")
    assert [next(events).data["n"] for _ in range(3)] == [1, 2, 3]
    assert asked == ["", "1", "2"]


def test_the_parser_takes_only_whole_events() -> None:
    lines = ["retry: 2000", "", ": alive", "", "id: 5", "event: a", 'data: {"x":', "data: 1}", "", "id: 6", "data: {}"]
    assert [(event.seq, event.kind, event.data) for event in parse(lines)] == [(5, "a", {"x": 1})]


def test_problems_are_exceptions_with_a_code(client: Client, server: Server) -> None:
    with pytest.raises(NotFound) as missing:
        client.run("00000000-0000-4000-8000-000000000000")
    assert (missing.value.code, missing.value.status) == ("not_found", 404) and missing.value.request_id
    with pytest.raises(Invalid) as wrong:
        client.post("/collections", {})
    assert wrong.value.errors[0]["field"].endswith("name")
    with pytest.raises(Forbidden):
        client.post("/keys", {"name": "x", "scopes": ["no.such"]})
    with server.client() as http, pytest.raises(NotAuthenticated):
        Client(server.url, "wrong", http=http).me()


def test_a_change_decided_on_an_older_state_is_refused(client: Client) -> None:
    member = next(client.each("/members"))
    _, etag = client.tagged(f"/members/{member['id']}")
    client.patch(f"/members/{member['id']}", {"groups": ["a"]}, etag=etag)
    with pytest.raises(Conflict) as stale:
        client.patch(f"/members/{member['id']}", {"groups": ["b"]}, etag=etag)
    assert stale.value.code == "precondition_failed"
    assert client.get(f"/members/{member['id']}")["groups"] == ["a"]


class Flaky(httpx.BaseTransport):
    """Loses the answers of the first ``times`` requests after the server has done the work."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.inner = httpx.HTTPTransport()
        self.sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        response = self.inner.handle_request(request)
        if self.sent <= self.times:
            response.read()
            raise httpx.ReadError("the answer was lost")
        return response


def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(
    server: Server, owner: Any, key_of: Callable[..., str]
) -> None:
    flaky = Flaky(2)
    with httpx.Client(transport=flaky) as http, Client(server.url, key_of(owner), http=http) as client:
        client.transport.sleep = lambda seconds: None
        made = client.post("/keys", {"name": "once", "scopes": ["ask"]})
        assert flaky.sent == 3 and made["key"].startswith("ly_")
        assert [row["name"] for row in client.each("/keys")].count("once") == 1
        flaky.sent = -(10**6)
        flaky.times = 10**6
        with pytest.raises(Unreachable):
            client.patch("/organization", {"name": "x"})


def test_limits_are_waited_for_as_long_as_the_server_says(client: Client, settings: Any) -> None:
    settings.API_LIMITS = {**settings.API_LIMITS, "read": 2}
    waits: list[float] = []
    client.transport.sleep = waits.append
    with pytest.raises(RateLimited) as limited:
        for _ in range(4):
            client.me()
    assert limited.value.retryable
    assert len(waits) == 3 and all(1 <= wait <= 30 for wait in waits)


def test_a_folder_is_sent_in_parts_and_an_interrupted_file_goes_on(
    client: Client, tmp_path: Path, stages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liaoyuan_client.uploading.PART", 1000)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "长.md").write_bytes(os.urandom(2500))
    (tmp_path / "b.md").write_text("# b", encoding="utf-8")
    (tmp_path / ".hidden").write_text("x", encoding="utf-8")
    assert [name for _, name in files_below(tmp_path)] == ["a/长.md", "b.md"]
    heard: list[tuple[str, int, int]] = []
    collection = client.collection("folder")
    run = client.upload(collection["id"], tmp_path, groups=["g"], report=lambda *each: heard.append(each))
    assert (run["stage"], run["state"]) == ("ingest", "queued")
    assert [(name, sent) for name, sent, _ in heard] == [
        ("a/长.md", 1000), ("a/长.md", 2000), ("a/长.md", 2500), ("b.md", 3)
    ]  # fmt: skip


def test_the_client_needs_nothing_of_the_platform() -> None:
    for file in (ROOT / "clients" / "python" / "liaoyuan_client").glob("*.py"):
        assert not re.search(r"^(from|import) (liaoyuan|django)\b(?!_client)", file.read_text(), re.MULTILINE), file
