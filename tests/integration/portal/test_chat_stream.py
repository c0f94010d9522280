"""The chat's stream: each step is told, and an answer is stored whether or not somebody waits for it."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.models import ConversationTurn, TurnState
from tests.integration.api.conftest import Server, server
from tests.integration.deployment.conftest import Clinic, chat, clinic, embeddings
from tests.integration.portal.test_chat import QUESTION, browser, reader

__all__ = ["chat", "clinic", "embeddings", "reader", "server"]


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for part in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in part.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def streamed(server: Server, member: Member, clinic: Clinic, question: str, **more: Any) -> Any:
    """The same request as the page's script makes, to a real server."""
    window = browser(member)
    window.get("/chat/")
    cookies = {name: cookie.value for name, cookie in window.cookies.items()}
    headers = {"Accept": "text/event-stream", "HX-Request": "true", "Origin": server.url}
    headers |= {"X-CSRFToken": cookies.get("csrftoken", ""), "Referer": server.url + "/chat/"}
    with server.client(**headers) as client:
        client.cookies.update(cookies)
        return client.post(f"/chat/{clinic.solution_id}/ask", data={"question": question} | more)


def test_the_stream_tells_each_step_and_ends_with_the_stored_turn(
    server: Server, clinic: Clinic, reader: Member
) -> None:
    answer = streamed(server, reader, clinic, QUESTION)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    found = events(answer.text)
    kinds = [kind for kind, _ in found]
    assert kinds[0] == "turn" and kinds[-1] == "done" and "step" in kinds
    assert found[-1][1]["shape"] == "answered" and "30 天" in found[-1][1]["html"]
    window = browser(reader)
    assert window.get(found[0][1]["address"].split("#")[0]).context["shown"].turns[-1].shape == "answered"


def test_a_reader_who_leaves_finds_the_answer_stored(server: Server, clinic: Clinic, reader: Member) -> None:
    window = browser(reader)
    window.get("/chat/")
    cookies = {name: cookie.value for name, cookie in window.cookies.items()}
    headers = {"Accept": "text/event-stream", "HX-Request": "true", "X-CSRFToken": cookies.get("csrftoken", "")}
    with server.client(**headers, Origin=server.url) as client:
        client.cookies.update(cookies)
        with client.stream("POST", f"/chat/{clinic.solution_id}/ask", data={"question": QUESTION}) as response:
            assert response.status_code == 200
            next(response.iter_bytes())
    _until(lambda: _states(clinic, reader) == [TurnState.ANSWERED])


def _states(clinic: Clinic, reader: Member) -> list[str]:
    with tenant_context(clinic.organization.id):
        turns = ConversationTurn.objects.filter(conversation__user_id=reader.user_id)
        return list(turns.values_list("state", flat=True))


def _until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    pause, ends = threading.Event(), time.monotonic() + seconds
    while not done() and time.monotonic() < ends:
        pause.wait(0.2)
    assert done()
