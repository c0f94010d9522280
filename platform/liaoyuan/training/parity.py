"""Does the served adapter say what the trained one says? No Django and no torch: numbers against a server.

For every prompt PEFT (float32, adapter on the de-quantised base) gives its most likely first token with its
log-probability, the base's log-probability of that same token, and a greedy continuation. The server is asked the
same, with and without adapter.

* first token agrees: |log p(served) - log p(PEFT)| <= 0.15 for PEFT's most likely token (a token the server does not
even list counts as disagreement);
* greedy text agrees: the first 16 greedy tokens, decoded, are the same string;
* visible effect: |log p(PEFT) - log p(base)| > 0.15. An adapter that the server ignored or mangled agrees only where
training changed nothing, so a run without enough visible effect proves nothing and does not pass.

llama.cpp reports no probability for a token that begins a character and does not end it (Chinese in byte-level BPE).
Where PEFT's first token is such a one, the reference stands at a later token of PEFT's greedy text instead: the one,
among those that are reported, whose probability training changed most.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Protocol

TOLERANCE = 0.15
FIRST_SHARE = 0.95
GREEDY_SHARE = 0.80
VISIBLE_SHARE = 0.25
GREEDY_TOKENS = 16
TOP = 40
# What is said of a token that the server did not list: far from anything, yet a number that JSON can carry.
UNLISTED = 99.0
HALF = "\N{REPLACEMENT CHARACTER}"


class Completed(Protocol):
    """One raw completion: its text, and per token {id: log-probability}."""

    @property
    def text(self) -> str: ...
    @property
    def logprobs(self) -> list[dict[int, float]]: ...


class Server(Protocol):
    """The part of the model server's client that parity needs."""

    def complete(
        self, prompt: Sequence[int], *, model: str, max_tokens: int, logprobs: int | None, cache_prompt: bool
    ) -> Completed: ...


@dataclass(frozen=True)
class Reference:
    """What PEFT says of one prompt; log-probabilities are natural.

    ``token`` is most likely after ``scored``: ``tuned`` by base plus adapter, ``base`` by the base alone, ``merged``
    by the merged weights (None where that was not asked). ``base_token`` is the base's own most likely token, with
    ``base_top``; None where it need not be served. ``text`` is the greedy continuation of ``prompt``.
    """

    id: str
    prompt: list[int]
    scored: list[int]
    token: int
    tuned: float
    base: float
    merged: float | None
    base_token: int | None
    base_top: float
    text: str


@dataclass(frozen=True)
class Row:
    """One prompt's differences in nats, and both texts."""

    id: str
    difference: float
    base_difference: float | None
    effect: float
    same_text: bool
    text: str
    served_text: str


@dataclass(frozen=True)
class ParityReport:
    """Shares over the prompts, 0..1, and differences in nats.

    ``base_first_share`` is the same measure without any adapter, over the prompts that carry it: what serving alone
    costs. ``merged_largest`` is the largest difference between the merged weights and base plus adapter, both in
    PyTorch.
    """

    passed: bool
    prompts: int
    first_share: float
    greedy_share: float
    visible_share: float
    median_difference: float
    largest_difference: float
    base_first_share: float | None
    base_median_difference: float | None
    median_effect: float
    merged_largest: float
    tolerance: float
    rows: list[Row]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parity_measure(
    server: Server,
    *,
    adapter: str,
    base: str,
    references: Sequence[Reference],
    pulse: Callable[[float], None] = lambda share: None,
) -> ParityReport:
    """Ask ``server`` for ``adapter`` and ``base`` about every reference; ``pulse`` hears the share that is done."""
    rows = []
    for count, reference in enumerate(references):
        pulse(count / len(references))
        rows.append(_row(server, adapter, base, reference))
    return parity_judge(rows, references)


def _row(server: Server, adapter: str, base: str, reference: Reference) -> Row:
    served = _first(server, reference, adapter, reference.token)
    # The prompt has just been read for the same adapter: only the new tokens cost time.
    text = server.complete(
        reference.prompt, model=adapter, max_tokens=GREEDY_TOKENS, logprobs=None, cache_prompt=True
    ).text
    plain = None if reference.base_token is None else _first(server, reference, base, reference.base_token)
    return Row(
        id=reference.id,
        difference=abs(served - reference.tuned),
        base_difference=None if plain is None else abs(plain - reference.base_top),
        effect=abs(reference.tuned - reference.base),
        same_text=_whole(text) == _whole(reference.text),
        text=reference.text,
        served_text=text,
    )


def _whole(text: str) -> str:
    """``text`` without the half character at which the last token may have cut it."""
    return text.strip().rstrip(HALF).strip()


def _first(server: Server, reference: Reference, model: str, token: int) -> float:
    """The served log-probability of ``token``; read afresh, since a cached prefix may differ in the last bits."""
    done = server.complete(reference.scored, model=model, max_tokens=1, logprobs=TOP, cache_prompt=False)
    listed = done.logprobs[0] if done.logprobs else {}
    return listed.get(token, -UNLISTED)


def parity_judge(rows: Sequence[Row], references: Sequence[Reference]) -> ParityReport:
    """The shares and whether they suffice."""
    count = len(rows)
    plain = [row.base_difference for row in rows if row.base_difference is not None]
    first = sum(row.difference <= TOLERANCE for row in rows) / count
    same = sum(row.same_text for row in rows) / count
    visible = sum(row.effect > TOLERANCE for row in rows) / count
    return ParityReport(
        passed=first >= FIRST_SHARE and same >= GREEDY_SHARE and visible >= VISIBLE_SHARE,
        prompts=count,
        first_share=first,
        greedy_share=same,
        visible_share=visible,
        median_difference=median(row.difference for row in rows),
        largest_difference=max(row.difference for row in rows),
        base_first_share=sum(value <= TOLERANCE for value in plain) / len(plain) if plain else None,
        base_median_difference=median(plain) if plain else None,
        median_effect=median(row.effect for row in rows),
        merged_largest=max(abs(r.tuned - r.merged) for r in references if r.merged is not None),
        tolerance=TOLERANCE,
        rows=list(rows),
    )
