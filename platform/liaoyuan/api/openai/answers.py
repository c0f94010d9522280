"""From a deployment's answer to OpenAI's objects: one completion, or the chunks of a stream."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from liaoyuan.deployment.answering import Answered

# A delta ends where a sentence or a line does, so that a page grows by what can be read.
PIECE = re.compile(r".+?(?:[。！？；\n]+|[.!?;]\s+|$)", re.DOTALL)
DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": working\n\n"


def completion_id(answered: Answered) -> str:
    return f"chatcmpl-{answered.trace_id.hex}"


def finish_reason(answered: Answered) -> str:
    """What a guardrail withheld says so; everything else is whole."""
    return "content_filter" if answered.mode == "guarded" else "stop"


def usage(answered: Answered) -> dict[str, int]:
    """Tokens of the chat model; zero where the answer quotes and no model wrote."""
    prompt, completion = answered.prompt_tokens, answered.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def extras(answered: Answered) -> dict[str, Any]:
    """What OpenAI does not have and an enterprise needs: evidence, the way the answer came about, its trace."""
    return {
        "citations": list(answered.citations),
        "nearest": list(answered.nearest),
        "abstained": answered.abstained,
        "mode": answered.mode,
        "fell_back": answered.fell_back,
        "escalation": answered.escalation,
        "disclaimer": answered.disclaimer,
        "searched": answered.searched,
        "sentences": list(answered.sentences),
        "contradictions": list(answered.contradictions),
        "follow_ups": list(answered.follow_ups),
    }


def completion(answered: Answered, model: str) -> dict[str, Any]:
    """The object of a request that does not stream. ``citations`` stand beside ``message``, and in it."""
    more = extras(answered)
    message = {"role": "assistant", "content": answered.text, "refusal": None, "citations": more["citations"]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answered), **more}
    return {
        "id": completion_id(answered),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage(answered),
        "trace_id": str(answered.trace_id),
        **more,
    }


@dataclass(frozen=True)
class Stream:
    """One answer as server-sent events: role, text by the piece, the end with citations, usage, ``[DONE]``."""

    trace_id: UUID
    model: str
    include_usage: bool
    created: int

    def role(self) -> bytes:
        """The first chunk."""
        return self._chunk([_choice({"role": "assistant", "content": ""}, None)])

    def piece(self, text: str) -> bytes:
        """Some of the text."""
        return self._chunk([_choice({"content": text}, None)])

    def rest(self, answered: Answered, told: str) -> Iterator[bytes]:
        """What was not told yet, then the end. A text that does not begin with what was told comes below it."""
        text = answered.text
        left = text[len(told) :] if text.startswith(told) else f"\n{text}"
        for piece in PIECE.findall(left):
            yield self.piece(piece)
        last = _choice({}, finish_reason(answered)) | extras(answered)
        yield self._chunk([last], trace_id=str(answered.trace_id), **extras(answered))
        if self.include_usage:
            yield event(self._head() | {"choices": [], "usage": usage(answered)})
        yield DONE

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        # With include_usage every chunk names the field, null until the last: so says OpenAI's description.
        empty: dict[str, Any] = {"usage": None} if self.include_usage else {}
        return event(self._head() | {"choices": choices} | more | empty)

    def _head(self) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.trace_id.hex}",
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
        }


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event; JSON holds no raw line break."""
    return f"data: {json.dumps(body, ensure_ascii=False, default=str)}\n\n".encode()
