"""Operators on passages: normalise, near-duplicates, quality, personal data."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from rensa import RMinHash, RMinHashLSH

from liaoyuan.data.schemas import Drop, Outcome, Passage
from liaoyuan.industry.schemas.recipe import Deduplicate, MaskPii, Normalise, Quality
from liaoyuan.pipeline.ports import PiiScanner

SPACE: Final = re.compile(r"[ \t\u3000\u00a0]+")
BLANK_LINES: Final = re.compile(r"\n{3,}")
PAGE_NUMBER: Final = re.compile(
    r"^\s*(?:第\s*\d+\s*页(?:\s*[/共]\s*\d+\s*页)?|[-–—]?\s*\d{1,4}\s*[-–—]?|page \d+(?: of \d+)?)\s*$", re.I
)
# A line that stands on most of a document's pages is furniture, not content.
FURNITURE_PAGES: Final = 3
FURNITURE_LENGTH: Final = 60
LSH_BANDS: Final = 16
MINHASH_SEED: Final = 42
DROP_TEXT: Final = 200


def drop(passage: Passage, operator: str, reason: str, like: str = "") -> Drop:
    """The trace of one dropped passage, with the beginning of its text."""
    return Drop(passage.id, operator, reason, passage.text[:DROP_TEXT], like)


def normalise(passages: Sequence[Passage], params: Normalise) -> Outcome:
    """Fold widths and white space; drop page numbers and lines that repeat over a document's pages."""
    furniture = _furniture(passages) if params.strip_boilerplate else set()
    kept, drops, changed = [], [], 0
    for passage in passages:
        text = _folded(passage.text, width=params.fold_width)
        if not text:
            drops.append(drop(passage, "normalise", "empty"))
        elif PAGE_NUMBER.match(text):
            drops.append(drop(passage, "normalise", "page_number"))
        elif (passage.document_version_id, text) in furniture:
            drops.append(drop(passage, "normalise", "boilerplate"))
        else:
            changed += text != passage.text
            kept.append(passage.with_text(text))
    return Outcome(kept, drops, changed)


def _folded(text: str, *, width: bool) -> str:
    """Half-width digits and letters, one space for many; Chinese punctuation keeps its width."""
    if width:
        text = "".join(
            unicodedata.normalize("NFKC", c) if "\uff10" <= c <= "\uff5a" and c.isalnum() else c for c in text
        )
    lines = (SPACE.sub(" ", line).strip() for line in text.splitlines())
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _furniture(passages: Sequence[Passage]) -> set[tuple[str, str]]:
    pages: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for passage in passages:
        if passage.page is not None and len(passage.text) <= FURNITURE_LENGTH:
            pages[passage.document_version_id, passage.text.strip()].add(passage.page)
    return {key for key, seen in pages.items() if len(seen) >= FURNITURE_PAGES}


def deduplicate(passages: Sequence[Passage], params: Deduplicate) -> Outcome:
    """Drop a passage whose MinHash similarity to an earlier one reaches the threshold; the first one stays."""
    lsh = RMinHashLSH(threshold=params.threshold, num_perm=params.permutations, num_bands=LSH_BANDS)
    hashes: list[RMinHash] = []
    kept: list[Passage] = []
    drops = []
    for passage in passages:
        minhash = RMinHash(num_perm=params.permutations, seed=MINHASH_SEED)
        minhash.update(_shingles(passage.text, params.shingle))
        near = [k for k in lsh.query(minhash) if hashes[k].jaccard(minhash) >= params.threshold]
        if near:
            drops.append(drop(passage, "deduplicate", "near_duplicate", like=kept[min(near)].id))
            continue
        lsh.insert(len(kept), minhash)
        hashes.append(minhash)
        kept.append(passage)
    return Outcome(kept, drops)


def _shingles(text: str, size: int) -> list[str]:
    plain = re.sub(r"\s+", "", text)
    return [plain[i : i + size] for i in range(max(1, len(plain) - size + 1))]


def quality(passages: Sequence[Passage], params: Quality) -> Outcome:
    """Drop passages that are too short, too long, mostly symbols or mostly repetition; the reason is kept."""
    kept, drops = [], []
    for passage in passages:
        reason = _flaw(passage.text, params)
        if reason:
            drops.append(drop(passage, "quality", reason))
        else:
            kept.append(passage)
    return Outcome(kept, drops)


def _flaw(text: str, params: Quality) -> str:
    plain = re.sub(r"\s+", "", text)
    if len(plain) < params.min_characters:
        return "too_short"
    if len(plain) > params.max_characters:
        return "too_long"
    symbols = sum(not character.isalnum() for character in plain) / len(plain)
    if symbols > params.max_symbols:
        return "symbols"
    return "repetition" if _repetition(plain) > params.max_repetition else ""


def _repetition(plain: str) -> float:
    """Share of the commonest run of ten characters among all such runs; 0 for texts shorter than twenty."""
    if len(plain) < 20:
        return 0.0
    runs = Counter(plain[i : i + 10] for i in range(len(plain) - 9))
    most = runs.most_common(1)[0][1]
    return most / len(runs) if most > 1 else 0.0


def mask_pii(passages: Sequence[Passage], params: MaskPii, *, scanner: PiiScanner, key: bytes) -> Outcome:
    """Replace personal data by pseudonyms: the same throughout the dataset, not to be undone without the key."""
    kept, changed, labels = [], 0, Counter[str]()
    for passage in passages:
        text, found = _masked(passage.text, set(params.keep), scanner, key)
        labels.update(found)
        changed += text != passage.text
        kept.append(passage.with_text(text))
    return Outcome(kept, [], changed, {"masked": dict(labels)})


def _masked(text: str, keep: set[str], scanner: PiiScanner, key: bytes) -> tuple[str, list[str]]:
    """Mask span by span, from the end, so that earlier positions stay true; labels in ``keep`` are left."""
    labels = []
    for span in sorted(scanner.scan(text), key=lambda s: s.start, reverse=True):
        if span.label not in keep:
            replacement, _ = scanner.mask(text[span.start : span.end], key=key)
            if replacement == text[span.start : span.end]:
                replacement = f"[{span.label}]"
            text = text[: span.start] + replacement + text[span.end :]
            labels.append(span.label)
    return text, labels
