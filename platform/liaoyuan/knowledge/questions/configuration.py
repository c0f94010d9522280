"""Under what exactly a collection was measured: two runs compare only if one knows in what they differ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from liaoyuan.errors import NotFound
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.evaluate import GateQuestion
from liaoyuan.knowledge.generate import SYSTEM_EN, SYSTEM_ZH
from liaoyuan.knowledge.indexes import live_index
from liaoyuan.knowledge.models import Collection, SearchIndex
from liaoyuan.knowledge.selectors import versions_in_force
from liaoyuan.knowledge.text.synonyms import Synonyms
from liaoyuan.pipeline.adapters.model_server import BASE_MODEL
from liaoyuan.pipeline.models import Solution

_ROOT: Final = Path(__file__).resolve().parents[1]
# By these a reader tells what changed between two runs, the weightiest first.
PARTS: Final = ("index", "retrieval", "documents", "questions", "mode", "model", "prompt", "pack", "code", "day")


def configuration_of(
    collection: Collection,
    questions: Sequence[GateQuestion],
    *,
    mode: str,
    index_id: UUID | None = None,
    retrieval: Mapping[str, Any] | None = None,
    day: date | None = None,
) -> dict[str, Any]:
    """Everything that decides the result, as JSON. Raises NotFound for an index of another collection."""
    generation = _index(collection.id, index_id)
    day = day or timezone.localdate()
    documents = _documents(collection.id, day)
    dated = {each: _documents(collection.id, date.fromisoformat(each)) for each in _dates(questions)}
    generative = mode == "generative"
    return {
        "index": {
            "id": str(generation.id),
            "number": generation.number,
            "embedder": generation.embedder,
            "dimensions": generation.dimensions,
            "settings": generation.settings,
            "chunks": generation.chunk_count,
            "named": index_id is not None,
        },
        "retrieval": dict(retrieval) if retrieval is not None else dict(collection.settings.get("retrieval", {})),
        "retrieval_named": retrieval is not None,
        "documents": {"count": len(documents), "digest": digest([documents, dated] if dated else documents)},
        "questions": {"count": len(questions), "digest": questions_digest(questions)},
        "mode": mode,
        "model": (settings.CHAT_MODEL or BASE_MODEL) if generative else "",
        "prompt": digest([SYSTEM_ZH, SYSTEM_EN])[:12] if generative else "",
        "pack": pack_of(collection.id),
        "code": {"version": code_version(), "digest": code_digest()},
        "day": day.isoformat(),
    }


def _documents(collection_id: UUID, day: date) -> list[str]:
    return sorted(str(key) for key in versions_in_force(collection_id, day).values_list("id", flat=True))


def _dates(questions: Sequence[GateQuestion]) -> list[str]:
    """The days of which some of the questions ask."""
    return sorted({item.date for item in questions if item.date})


def _index(collection_id: UUID, index_id: UUID | None) -> SearchIndex:
    if index_id is None:
        return live_index(collection_id)
    found = SearchIndex.objects.filter(id=index_id, collection_id=collection_id).first()
    if found is None:
        raise NotFound
    return found


def pack_of(collection_id: UUID) -> str:
    """ "industry/scenario" of the oldest solution over the collection, whose words its questions may use; or ""."""
    solution = (
        Solution.objects.filter(collection_id=collection_id, archived_at__isnull=True).order_by("created_at").first()
    )
    return f"{solution.industry}/{solution.scenario}" if solution else ""


def synonyms_of(pack: str) -> Synonyms | None:
    """The trade's own words of "industry/scenario", as the deployed application uses them."""
    industry, _, scenario = pack.partition("/")
    return industry_get(industry).synonyms(scenario) if scenario else None


def questions_digest(questions: Sequence[GateQuestion]) -> str:
    """The same questions with the same answers give the same digest, in whatever order they stand."""
    return digest(sorted(json.dumps(_told(item), sort_keys=True, ensure_ascii=False) for item in questions))


def _told(item: GateQuestion) -> dict[str, Any]:
    # A question without a date digests as it did before questions had one.
    return {name: value for name, value in asdict(item).items() if name != "date" or value}


def digest(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def code_version() -> str:
    """The platform's version as it was installed."""
    try:
        return version("liaoyuan")
    except PackageNotFoundError:
        return "source"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Changes with whatever decides an answer: this app's code and its learned weights."""
    whole = hashlib.sha256()
    for path in sorted([*_ROOT.glob("*.py"), *_ROOT.glob("text/*.py"), *_ROOT.glob("weights/*.json")]):
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The parts in which two configurations differ, with both values."""
    return [(part, before.get(part), after.get(part)) for part in PARTS if before.get(part) != after.get(part)]
