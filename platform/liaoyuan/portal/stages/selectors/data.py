"""The data page: what became of the documents, operator by operator, and the samples themselves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse

from liaoyuan.data.models import DatasetVersion
from liaoyuan.data.selectors import curation_rows, rows_readable, version_of_run, version_rows
from liaoyuan.errors import NotFound
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.portal.stages.words import DROPS, KINDS, OPERATORS, PERSONAL, SPLITS

A_PAGE: Final = 12
MOST_ITEMS: Final = 60


@dataclass(frozen=True)
class Step:
    """What one operator did; ``reasons`` as (words, count)."""

    name: str
    title: Any
    purpose: Any
    before: int
    after: int
    dropped: int
    changed: int
    seconds: float
    reasons: Sequence[tuple[Any, int]]
    current: bool

    @property
    def made(self) -> int:
        """Items that were not there before: an operator may make several samples of one passage."""
        return max(0, self.after + self.dropped - self.before)


@dataclass(frozen=True)
class Item:
    """One dropped or rewritten item; ``address`` opens the page that it comes from, ``like`` the one that was kept."""

    reason: Any
    text: str
    before: str
    address: str
    like: str


@dataclass(frozen=True)
class Opened:
    """One operator looked at closely; ``withheld`` counts items of documents that the reader may not see."""

    step: Step
    drops: Sequence[Item]
    more: int
    changes: Sequence[Item]
    withheld: int


@dataclass(frozen=True)
class SampleView:
    """One sample as the browser lists it."""

    row: Mapping[str, Any]
    split: Any
    kind: Any
    document: str
    address: str
    page: int | None


@dataclass(frozen=True)
class Choices:
    """What the samples may be filtered by: (value, words, chosen)."""

    splits: Sequence[tuple[str, Any, bool]]
    kinds: Sequence[tuple[str, Any, bool]]
    documents: Sequence[tuple[str, str, bool]]
    query: str
    any: bool


@dataclass(frozen=True)
class DataPage:
    """A dataset version, ready to be looked at."""

    version: DatasetVersion
    counts: Mapping[str, int]
    steps: Sequence[Step]
    masked: Sequence[tuple[Any, int]]
    decontaminated: int
    dropped: int
    opened: Opened | None
    samples: Sequence[SampleView]
    pages: Page[Mapping[str, Any]]
    choices: Choices
    base: str
    withheld: int
    splits: Sequence[tuple[Any, int]] = field(default_factory=tuple)

    @property
    def masked_total(self) -> int:
        return sum(count for _kind, count in self.masked)


def data_page(frame: Frame, asked: QueryDict) -> DataPage | None:
    """The version that the chosen run made or gave again; None where there is none."""
    version = version_of_run(frame.run.row) if frame.run else None
    if version is None:
        return None
    operator = asked.get("operator", "")
    steps = [_step(trace, operator) for trace in version.trace]
    everything = version_rows(version.id)
    rows = rows_readable(everything, version.id)
    page = Paginator(filtered(rows, asked), A_PAGE).get_page(asked.get("page"))
    listed = list(page.object_list)
    places = _places(_ids(listed))
    masked = _numbers(version, "mask_pii").get("masked", {})
    return DataPage(
        version=version,
        counts=version.counts,
        steps=steps,
        masked=[(PERSONAL.get(kind, kind), n) for kind, n in sorted(masked.items(), key=lambda pair: -pair[1])],
        decontaminated=sum(step.dropped for step in steps if step.name == "decontaminate"),
        dropped=sum(step.dropped for step in steps),
        opened=_opened(version, next((step for step in steps if step.current), None)),
        samples=[_sample(row, places) for row in listed],
        pages=page,
        choices=_choices(rows, asked),
        base=_base(asked),
        withheld=len(everything) - len(rows),
        splits=[(SPLITS[name], version.counts.get(name, 0)) for name in SPLITS],
    )


def filtered(rows: Iterable[Mapping[str, Any]], asked: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The rows that a reader asked for by split, kind, document and words."""
    wanted = {key: asked.get(key, "") for key in ("split", "kind")}
    words = asked.get("q", "").casefold().split()
    document = asked.get("document", "")
    return [
        row
        for row in rows
        if all(not value or kind_of(row, key) == value for key, value in wanted.items())
        and (not document or _document(row) == document)
        and _holds(row, words)
    ]


def kind_of(row: Mapping[str, Any], key: str) -> str:
    """A row's split or kind; the examination's questions have a ``type`` instead."""
    return str(row.get(key) or (row.get("type", "") if key == "kind" else ""))


def download_rows(frame: Frame, asked: Mapping[str, str]) -> tuple[DatasetVersion, list[Mapping[str, Any]]]:
    """The version and those of its rows that the reader may see and asked for. Raises NotFound without a version."""
    version = version_of_run(frame.run.row) if frame.run else None
    if version is None:
        raise NotFound
    return version, filtered(rows_readable(version_rows(version.id), version.id), asked)


def _step(trace: Mapping[str, Any], operator: str) -> Step:
    name = trace["operator"]
    title, purpose = OPERATORS.get(name, (name, ""))
    reasons = sorted(trace["reasons"].items(), key=lambda pair: -pair[1])
    said = [(DROPS.get(reason, reason), count) for reason, count in reasons]
    numbers = {key: trace[key] for key in ("before", "after", "dropped", "changed", "seconds")}
    return Step(name, title, purpose, reasons=said, current=name == operator, **numbers)


def _numbers(version: DatasetVersion, operator: str) -> Mapping[str, Any]:
    return next((trace["numbers"] for trace in version.trace if trace["operator"] == operator), {})


def _opened(version: DatasetVersion, step: Step | None) -> Opened | None:
    if step is None:
        return None
    drops, hidden = _of_operator(version, "drops", step.name)
    changes, covered = _of_operator(version, "changes", step.name)
    places = _places(_ids([*drops[:MOST_ITEMS], *changes]))
    return Opened(
        step=step,
        drops=[_item(row, places) for row in drops[:MOST_ITEMS]],
        more=max(0, len(drops) - MOST_ITEMS),
        changes=[_item(row, places) for row in changes],
        withheld=hidden + covered,
    )


def _of_operator(version: DatasetVersion, name: str, operator: str) -> tuple[list[dict[str, Any]], int]:
    rows = [row for row in curation_rows(version.id, name) if row["operator"] == operator]
    seen = rows_readable(rows, version.id)
    return seen, len(rows) - len(seen)


def _item(row: Mapping[str, Any], places: Mapping[str, UUID]) -> Item:
    reason = row.get("reason", "")
    return Item(
        reason=DROPS.get(reason, reason),
        text=row.get("text") or row.get("after", ""),
        before=row.get("before", ""),
        address=passage_address(row["id"], places),
        like=passage_address(row.get("like", ""), places),
    )


def _sample(row: Mapping[str, Any], places: Mapping[str, UUID]) -> SampleView:
    source = row.get("source") or {}
    kind = kind_of(row, "kind")
    return SampleView(
        row=row,
        split=SPLITS.get(row["split"], row["split"]),
        kind=KINDS.get(kind, kind),
        document=source.get("document", ""),
        address=passage_address(source.get("passage", ""), places, page=source.get("page")),
        page=source.get("page"),
    )


def passage_address(passage: str, places: Mapping[str, UUID], *, page: int | None = None) -> str:
    """Where a passage ("version:block") is opened in its document; empty where it cannot be."""
    version, colon, block = passage.partition(":")
    if not colon or version not in places:
        return ""
    query = {"version": version, "block": block} | ({"page": page} if page else {})
    try:
        return f"{reverse('document', args=[places[version]])}?{urlencode(query)}"
    except NoReverseMatch:
        return ""


def _ids(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    named = [str((row.get("source") or {}).get("passage") or row.get("id", "")) for row in rows]
    named += [str(row.get("like", "")) for row in rows]
    return {name.partition(":")[0] for name in named if ":" in name}


def _places(versions: set[str]) -> dict[str, UUID]:
    """Document by version, for links."""
    found = DocumentVersion.objects.filter(id__in=versions).values_list("id", "document_id") if versions else []
    return {str(version): document for version, document in found}


def _document(row: Mapping[str, Any]) -> str:
    return str((row.get("source") or {}).get("document_version_id", ""))


def _holds(row: Mapping[str, Any], words: Sequence[str]) -> bool:
    text = f"{row.get('question', '')} {row.get('answer', '')}".casefold()
    return all(word in text for word in words)


def _choices(rows: Sequence[Mapping[str, Any]], asked: QueryDict) -> Choices:
    kinds = Counter(kind_of(row, "kind") for row in rows)
    titles = {_document(row): row["source"]["document"] for row in rows if row.get("source")}
    by_title = sorted(titles.items(), key=lambda pair: pair[1])
    return Choices(
        splits=[(name, words, asked.get("split") == name) for name, words in SPLITS.items()],
        kinds=[(name, KINDS.get(name, name), asked.get("kind") == name) for name in sorted(kinds) if name],
        documents=[(key, title, asked.get("document") == key) for key, title in by_title],
        query=asked.get("q", ""),
        any=any(asked.get(key) for key in ("split", "kind", "document", "q")),
    )


def _base(asked: QueryDict) -> str:
    """The address without its page number, for the pager."""
    kept = asked.copy()
    kept.pop("page", None)
    return f"?{kept.urlencode()}"


def download_table(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Head and rows of the samples for a spreadsheet."""
    head = ("id", "split", "kind", "language", "question", "answer", "document", "page", "locator")
    return head, [_line(row) for row in rows]


def _line(row: Mapping[str, Any]) -> tuple[Any, ...]:
    source = row.get("source") or {}
    own = (row["id"], row["split"], kind_of(row, "kind"), row.get("language", ""), row.get("question", ""))
    return (*own, row.get("answer", ""), source.get("document", ""), source.get("page"), source.get("locator", ""))
