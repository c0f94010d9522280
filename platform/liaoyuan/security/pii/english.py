"""Names, addresses, telephone numbers and organizations in English text."""

import re
from collections.abc import Iterator

from liaoyuan.security.pii import vocabulary
from liaoyuan.security.pii.spans import Finding, Label

WORD = r"[A-ZÀ-ÖØ-Þ](?:[a-zß-öø-ÿ]+|\.|[A-Z]+(?=\s))?(?:['’\-][A-ZÀ-Þ]?[a-zß-ÿ]+|[A-Z][a-zß-ÿ]+)*"
SEQUENCE = re.compile(
    rf"(?<![A-Za-z]){WORD}(?:[ \t]+(?:(?:de|da|di|van|von|der|den|la|le|bin|al|el)[ \t]+)*{WORD}){{0,3}}(?![A-Za-z])"
)
TITLE = re.compile(
    r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Doctor|Sir|Madam|Nurse|Officer|Judge|Captain|President|Senator|Mx|Rev)\.?\s+$"
)
CUE = re.compile(
    r"(?:(?:my|his|her|full|patient|contact|student|employee|customer|card ?holder|account holder|user|client|"
    r"the) name (?:is|was)|name|names?d|called|I am|I'm|this is|"
    r"signed|sincerely|regards|dear|hi|hello|hey|patient|client|student|teacher|nurse|doctor|by|from|with|met|"
    r"contact|contacted|call|ask for|attn|attention|"
    r"cc|to|and|husband|wife|son|daughter|mother|father|brother|sister|guardian|supervisor|manager|engineer|"
    r"operator|foreman)\s*[:,]?\s*$",
    re.IGNORECASE,
)
STRONG_CUE = re.compile(
    r"(?:name (?:is|was)|name|named|I am|I'm|sincerely|regards|dear|patient|contact|attn|signed|guardian|"
    r"supervisor|card ?holder)\s*[:,]?\s*$",
    re.IGNORECASE,
)
POSSESSIVE = re.compile(r"['’]s$")
MAX_ACRONYM = 4
UNKNOWN = 0.45  # weight of a capitalised word that is in no list
PHONE = re.compile(
    r"(?<![0-9A-Za-z_.\-/])(?:\+?\d{1,3}[\s.\-]?)?(?:\(\d{2,4}\)[\s.\-]?\d{3,4}[\s.\-]\d{3,4}|"
    r"\d{3}[\s.\-]\d{3}[\s.\-]\d{4}|(?<=\+\d)\d{9,11}"
    r"|\(0\)\s?\d{2,4}[\s.\-]?\d{3,4}[\s.\-]?\d{2,4}|0\d{2,4}[\s]\d{3}[\s]\d{3,4}|0\d{3}[\s\-]\d{6,7}|\d{2,"
    r"3}[\s.\-]\d{2,4}[\s.\-]\d{2,4}(?:[\s.\-]\d{2,4}))"
    r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![0-9])"
)
INTERNATIONAL = re.compile(
    r"(?<![0-9A-Za-z_])\+\d{1,3}(?:[\s.\-]?\(?\d{1,4}\)?){2,5}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![0-9])"
)
GROUPED_PHONE = re.compile(
    r"(?<![0-9A-Za-z_.\-/])(?:\+?\d{1,3}[\s.\-]?)?(?:\(\d{2,5}\)[\s.\-]*\d{2,8}|0\d{1,5}[\s.\-/]\d{3,"
    r"8})(?:[\s.\-]\d{2,4}){0,3}"
    r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![0-9])"
)
BARE_PHONE = re.compile(r"(?<![0-9A-Za-z_.\-/])(?:\d{9,11}|0\d{7,10})(?![0-9A-Za-z_])(?!\.\d)")
PHONE_CUE = re.compile(r"phone|mobile|cell|call|tel|contact|reach|number|fax|\bat\s*$|\n\s*$|,\s*$", re.IGNORECASE)
NAMED_PHONE = re.compile(
    r"(?:phone|telephone|mobile|cell|tel|call(?: me)?(?: at| on)?|fax|number is|reach (?:me|us) (?:at|"
    r"on))\.?\s*(?:number|no\.?)?\s*(?:is|at|on|:)?\s*"
    r"(\(?\+?\d[\d\s().\-]{6,16}\d)(?![0-9])", re.IGNORECASE
)  # fmt: skip
STREET_KIND = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    "Circle|Cir|Highway|Hwy|Parkway|Pkwy|"
    "Trail|Trl|Crescent|Close|Gardens|Grove|Row|Mews|Walk|Alley|Plaza|Loop|Ridge|Path|Pike|Run|Park|Hill|View|Quay"
)
NAME_PART = r"(?:[A-Z0-9][\w'’.\-]*)"
CITY = (
    rf"(?:,?\s+(?:{NAME_PART}\s?){{1,3}})?(?:,\s*(?:[A-Z]{{2}}|[A-Z][a-z]+(?: "
    r"[A-Z][a-z]+)?))?(?:\s+(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}))?"
)
STREET = re.compile(
    r"(?<![\w.])(?:(?:Apt|Apartment|Suite|Unit|Flat|Room)\.? ?#?\w+,?\s+)?\d{1,6}[A-Za-z]?,"
    rf"?\s+(?:{NAME_PART}\s+){{1,4}}(?:{STREET_KIND})\b\.?"
    rf"(?:,?\s+(?:Apt|Apartment|Suite|Unit|Flat|Floor|Room|#)\.? ?#?\w+)?(?:[,\n]{CITY})?"
)
BOX = re.compile(
    rf"\b(?:P\.? ?O\.? Box|PSC|Unit|USNS|USS|USNV|FPO|APO)\s+\w+(?:,? (?:Box|APO|FPO|AP|AE|AA)\s*\w*)*(?:[,\n]{CITY})?"
)
CITY_STATE = re.compile(r"\b(?:[A-Z][a-z]+\s?){1,3},\s*[A-Z]{2}\s+\d{5}(?:-\d{4})?\b")
EUROPEAN = re.compile(
    r"\b[A-ZÄÖÜ][a-zäöüßéèø\-]+(?:straße|strasse|gasse|weg|platz|allee|gatan|vägen|veien|vej|gade|katu|laan|"
    r"straat)\s+\d{1,4}[a-z]?"
    r"|\b(?:Rue|Avenue|Boulevard|Via|Viale|Piazza|Calle|Avenida|Plaza|Rua|ul\.)\s+(?:(?:de|du|des|la|le|del|"
    r"della|di|da|dos)\s+)*[A-ZÀ-Ý][\w'’\-]+(?:\s[A-ZÀ-Ý][\w\-]+)*,?\s+\d{1,4}"
    r"|\b\d{1,4},?\s+(?:rue|avenue|boulevard|place|chemin)\s+(?:(?:de|du|des|la|"
    r"le)\s+)*[A-ZÀ-Ý][\w'’\-]+(?:\s[A-ZÀ-Ý][\w\-]+)*"
)
APARTMENT = r"(?:\s+(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room)\.?\s*#?\w{1,5})?"
WORDS = r"(?:[A-ZÀ-Þ][\w'’.\-]*[ \t]+){1,4}"
CITY_NAME = r"(?:[A-ZÀ-Þ][\w'’.\-]*[ \t]?){1,3}"
# A number, words and a postcode at the end: whatever the street is called.
POSTED = re.compile(
    rf"(?<![\w.])\d{{1,6}}[A-Za-z]?,?\s+{WORDS[:-5]}{{1,4}}?(?:[A-ZÀ-Þ][\w'’.\-]*){APARTMENT}[,\s]+{CITY_NAME},"
    r"\s*[A-Z]{2,3},?\s+\d{4,5}(?:-\d{4})?\b"
    rf"|(?<![\w.])(?:(?:Flat|Studio|Unit)\s+\w{{1,4}}[,\s]+)?\d{{1,4}}[A-Za-z]?\s+{WORDS}?[A-ZÀ-Þ]?[\w'’\-]*[,"
    rf"\s]+{CITY_NAME}[,\s]+[A-Z]{{1,2}}\d[A-Z0-9]?\s?\d[A-Z]{{2}}\b"
    r"|\b(?:USS|USNS|USCGC|USNV|Unit|PSC)\s+\w+[\s\w,]{0,20}?(?:FPO|APO|DPO)\s+[A-Z]{2}\s+\d{5}\b"
)
CONTINENTAL = re.compile(
    r"\b[A-ZÀ-Þ][\w'’.\-]*(?:[ \t][A-ZÀ-Þ]?[\w'’.\-]+){0,4},?[ \t]+\d{1,5}[a-z]?(?:\s*/\s*\d+)?[,\s]+\d{4,"
    r"5}(?:\s?[A-Z]{2})?,?\s+[A-ZÀ-Þ][\w'’.\-]+(?:[ \t][A-ZÀ-Þ][\w'’.\-]+){0,2}(?:\s?\([A-Z]{2}\))?"
    r"|\b(?:\d{1,4},?\s+)?(?:rue|avenue|boulevard|chemin|place|allée|Rue|Avenue|Boulevard|Chemin|"
    r"Place)\s+(?:(?:de|du|des|la|le)\s+)*[A-ZÀ-Þ][\w'’\-]+(?:[ \t][A-ZÀ-Þ][\w'’\-]+)*[,"
    r"\s]+\d{5}\s+[A-ZÀ-Þ][\w'’\-]+(?:[- ][\w'’\-]+){0,3}"
    r"|\b[A-ZÀ-Þ]\w+(?:[ \t](?:de|del|la|el|[A-ZÀ-Þ])[\w.]*){1,5}[ \t]\d{1,4}(?:[ \t]\w{1,8}[ \t]\d{1,3}[ "
    r"\t]?)?,\s*[A-ZÀ-Þ][\w\s]{2,20},\s*\d{5}\b"
)
ORG_CUE = re.compile(
    r"(?:work(?:s|ed)? (?:for|at)|company|employer|employed (?:by|at)|founded|appointment at|address of|"
    r"offices? of|firm|with|at|from|by)\s*$",
    re.IGNORECASE,
)
HYPHENATED = re.compile(
    r"\b[A-Z][a-z]+-[A-Z][a-z]+\b(?!\s[A-Z])|\b[A-Z][\w']+(?:[,\s]+(?:[A-Z][\w']+|&|y|e|et|und|and|en|van|de|"
    r"le))*?\s+(?:AG|KG|OHG|GmbH|SPA|S\.p\.A\.|SRL|S\.r\.l\.|SARL|SA|S\.A\.|S\.L\.|SL|AB|HB|A/S|ApS|BV|B\.V\.|"
    r"NV|PLC|e figli|et Fils|Stiftung)\b"
)
ORG = re.compile(
    r"\b(?:[A-Z][\w'’&.\-]*(?:,? (?:and|&|of|the|for) |,? )){1,5}(?:Inc|LLC|Ltd|Limited|Corp|Corporation|"
    r"Company|Co|PLC|GmbH|AG|Group|Holdings|Sons|"
    r"University|College|Institute|Hospital|Clinic|Medical Center|Health Center|School|Academy|Bank|"
    r"Foundation|Association|Laboratories|Partners|Energy|Utilities|"
    r"Electric|Power|Insurance)\b\.?|\b[A-Z][a-z]+(?:-[A-Z][a-z]+)+\b(?= (?:Inc|Ltd))|\b[A-Z][a-z]+, "
    r"[A-Z][a-z]+ and [A-Z][a-z]+\b|\bUniversity of (?:[A-Z][a-z]+ ?){1,3}"
)


ADDRESSES = ((POSTED, 0.95), (CONTINENTAL, 0.94), (STREET, 0.93), (BOX, 0.9), (CITY_STATE, 0.88), (EUROPEAN, 0.9))


def english_findings(text: str) -> Iterator[Finding]:
    """Personal data of English text in the plain form; overlaps are settled by the caller."""
    if not re.search(r"[A-Za-z]{2}|\+\d", text):
        return
    yield from _phones(text)
    for pattern, score in ADDRESSES:
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.start() + len(match.group().rstrip(" ,.\n")), Label.ADDRESS, score)
    yield from _organizations(text)
    for match in SEQUENCE.finditer(text):
        yield from _person(text, match.start(), match.end())


def _organizations(text: str) -> Iterator[Finding]:
    for match in ORG.finditer(text):
        if match.group().split()[0].lower() not in vocabulary.english("not_names_en.txt"):
            yield Finding(*match.span(), Label.ORG, 0.87)
    for match in HYPHENATED.finditer(text):
        if "-" not in match.group() or ORG_CUE.search(text[max(0, match.start() - 20) : match.start()]):
            yield Finding(*match.span(), Label.ORG, 0.87)


def _phones(text: str) -> Iterator[Finding]:
    for pattern in (PHONE, INTERNATIONAL, GROUPED_PHONE):
        for match in pattern.finditer(text):
            digits = sum(letter.isdigit() for letter in match.group())
            if 8 <= digits <= 17 and not re.match(r"(?:19|20)\d\d[\s.\-]", match.group()):
                yield Finding(*match.span(), Label.PHONE, 0.9)
    for match in BARE_PHONE.finditer(text):
        if PHONE_CUE.search(text[max(0, match.start() - 16) : match.start()]):
            yield Finding(*match.span(), Label.PHONE, 0.85)
    for match in NAMED_PHONE.finditer(text):
        if 7 <= sum(letter.isdigit() for letter in match.group(1)) <= 15:
            yield Finding(*match.span(1), Label.PHONE, 0.91)


def _person(text: str, start: int, end: int) -> Iterator[Finding]:
    """Trim ordinary words off both ends of a capitalised sequence, then weigh what is left."""
    words = [(start + m.start(), start + m.end()) for m in re.finditer(r"\S+", text[start:end])]
    while words and _plain(text, words[0]):
        words.pop(0)
    while words and _plain(text, words[-1]):
        words.pop()
    if not words or any(_plain(text, word) for word in words):
        return
    start, end = words[0][0], words[-1][1]
    possessive = POSSESSIVE.search(text[start:end])
    end -= len(possessive.group()) if possessive else 0
    end -= len(text[start:end]) - len(text[start:end].rstrip("."))
    if _weigh(text, start, POSSESSIVE.sub("", text[start:end]).rstrip(".").split()) >= 1.0:
        yield Finding(start, end, Label.PERSON, 0.8)


def _plain(text: str, word: tuple[int, int]) -> bool:
    return text[word[0] : word[1]].rstrip(".,").lower() in vocabulary.english("not_names_en.txt")


def _weigh(text: str, start: int, words: list[str]) -> float:
    """Known names count most, words that no dictionary knows a little; ordinary words need a cue."""
    before = text[max(0, start - 28) : start]
    end = start + len(" ".join(words))
    after = text[end : end + 2]
    score = sum(_known(word, last=index == len(words) - 1 and index > 0) for index, word in enumerate(words))
    cued = _cue(before, len(words)) + (0.2 if after in ("'s", "’s") else 0.0)
    if score <= UNKNOWN * len(words):
        return score + cued
    inside = bool(before.strip()) and before.rstrip()[-1] not in ".!?:\n"
    return score + cued + (0.2 if inside else 0.0)


def _known(word: str, *, last: bool) -> float:
    if word.isupper() and len(word) <= MAX_ACRONYM:
        return 0.0
    plain = word.lower().split("-")[0]
    ordinary = 0.5 if plain in vocabulary.english("common_en.txt") else 1.0
    if last and plain in vocabulary.english("surnames_en.txt"):
        return 0.7 * ordinary
    if plain in vocabulary.english("given_en.txt"):
        return 1.0 * ordinary
    if plain in vocabulary.english("surnames_en.txt"):
        return 0.6 * ordinary
    return UNKNOWN if ordinary == 1.0 and len(plain) > 2 else 0.0


def _cue(before: str, count: int) -> float:
    if TITLE.search(before):
        return 1.2
    if STRONG_CUE.search(before):
        return 0.7 if count == 1 else 1.0
    return 0.4 if CUE.search(before) else 0.0
