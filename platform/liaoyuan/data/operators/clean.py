"""Operators on passages: normalise, near-duplicates, quality, personal data."""

import hmac
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from typing import Final

from rensa import RMinHash, RMinHashLSH

from liaoyuan.data.schemas import Drop, Outcome, Passage
from liaoyuan.industry.schemas.recipe import Deduplicate, MaskPii, Normalise, Quality
from liaoyuan.pipeline.ports import PiiScanner, PiiSpan

SPACE: Final = re.compile(r"[ \t\u3000\u00a0]+")
BLANK_LINES: Final = re.compile(r"\n{3,}")
PAGE_NUMBER: Final = re.compile(
    r"^\s*(?:第\s*\d+\s*页(?:\s*[/共]\s*\d+\s*页)?|[-–—]?\s*\d{1,4}\s*[-–—]?|page \d+(?: of \d+)?)\s*$", re.I
)
# A short line that stands on a third of a document's pages, and on three at least, is furniture, not content: headers
# of odd and even pages often differ, and first pages of chapters have none.
FURNITURE_PAGES: Final = 3
FURNITURE_SHARE: Final = 1 / 3
FURNITURE_LENGTH: Final = 60
# A pair just at the threshold becomes a candidate with at least this probability.
LSH_RECALL: Final = 0.99
MINHASH_SEED: Final = 42
TOKEN_CHARACTERS: Final = 8
DROP_TEXT: Final = 200


def drop(passage: Passage, operator: str, reason: str, like: str = "") -> Drop:
    """The trace of one dropped passage, with the beginning of its text."""
    return Drop(passage.id, operator, reason, passage.text[:DROP_TEXT], like)


def normalise(passages: Sequence[Passage], params: Normalise) -> Outcome:
    """Fold widths and white space; drop page numbers and lines that repeat over a document's pages."""
    folded = [passage.with_text(_folded(passage.text, width=params.fold_width)) for passage in passages]
    furniture = _furniture(folded) if params.strip_boilerplate else set()
    kept, drops, changed = [], [], 0
    for passage, after in zip(passages, folded, strict=True):
        text = after.text
        if not text:
            drops.append(drop(passage, "normalise", "empty"))
        elif params.strip_boilerplate and PAGE_NUMBER.match(text):
            drops.append(drop(passage, "normalise", "page_number"))
        elif (passage.document_version_id, text) in furniture:
            drops.append(drop(passage, "normalise", "boilerplate"))
        else:
            changed += text != passage.text
            kept.append(after)
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
    """Document and text of the lines that repeat over its pages."""
    pages: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    of_document: defaultdict[str, set[int]] = defaultdict(set)
    for passage in passages:
        if passage.page is not None:
            of_document[passage.document_version_id].add(passage.page)
            if len(passage.text) <= FURNITURE_LENGTH:
                pages[passage.document_version_id, passage.text].add(passage.page)
    return {
        (document, text)
        for (document, text), seen in pages.items()
        if len(seen) >= max(FURNITURE_PAGES, FURNITURE_SHARE * len(of_document[document]))
    }


def deduplicate(passages: Sequence[Passage], params: Deduplicate) -> Outcome:
    """Drop a passage whose MinHash similarity to an earlier one reaches the threshold; the first one stays."""
    lsh = RMinHashLSH(threshold=params.threshold, num_perm=params.permutations, num_bands=lsh_bands(params))
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


def lsh_bands(params: Deduplicate) -> int:
    """The fewest bands of equal width that miss at most 1 % of the pairs at the threshold: 1 - (1 - t^rows)^bands."""
    for bands in range(1, params.permutations + 1):
        rows, rest = divmod(params.permutations, bands)
        if rest == 0 and 1 - (1 - params.threshold**rows) ** bands >= LSH_RECALL:
            return bands
    return params.permutations


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
        text, found = masked(passage.text, keep=set(params.keep), scanner=scanner, key=key)
        labels.update(found)
        changed += text != passage.text
        kept.append(passage.with_text(text))
    return Outcome(kept, [], changed, {"masked": dict(labels)})


def masked(text: str, *, keep: Set[str], scanner: PiiScanner, key: bytes) -> tuple[str, list[str]]:
    """``text`` with every value but those of the labels in ``keep`` replaced by its token, and the labels replaced.

    The token depends on label, value and key alone, so that a person is the same wherever they are named. A scanner
    that masks a whole text cannot leave some labels, and one that masks a name alone no longer sees that it is one.
    """
    labels = []
    for span in sorted(scanner.scan(text), key=lambda s: s.start, reverse=True):
        if span.label not in keep:
            text = text[: span.start] + _token(span, key) + text[span.end :]
            labels.append(span.label)
    return text, labels


def _token(span: PiiSpan, key: bytes) -> str:
    """``[PERSON-3f2a91c0]``; white space, hyphens and case of the value make no difference."""
    canonical = re.sub(r"[\s\-·.]", "", unicodedata.normalize("NFKC", span.value)).casefold()
    digest = hmac.digest(key, f"{span.label}\x1f{canonical}".encode(), "sha256").hex()
    return f"[{span.label}-{digest[:TOKEN_CHARACTERS]}]"
