"""The chat's stream: each step is told, and an answer is stored whether or not somebody waits for it."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from liaoyuan.accounts.models import Member
from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.deployment.models import ConversationTurn, TurnState
from liaoyuan.knowledge import followups
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


def test_the_stream_tells_each_step_the_stored_turn_and_then_what_may_be_asked_next(
    server: Server, clinic: Clinic, reader: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followups, "BUDGET_SECONDS", 3600.0)
    answer = streamed(server, reader, clinic, QUESTION)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    found = events(answer.text)
    kinds = [kind for kind, _ in found]
    assert kinds[0] == "turn" and "step" in kinds
    assert [kind for kind in kinds if kind in {"done", "follow_ups"}] == ["done", "follow_ups"]
    done, offered = found[-2][1], found[-1][1]
    assert done["shape"] == "answered" and "30 天" in done["html"] and "data-follow-up" not in done["html"]
    assert offered["turn"] == done["turn"] and offered["html"].count("<button") == len(offered["follow_ups"]) > 0
    window = browser(reader)
    kept = window.get(found[0][1]["address"].split("#")[0]).context["shown"].turns[-1]
    assert kept.shape == "answered"
    assert [each.question for each in kept.follow_ups] == offered["follow_ups"]


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
