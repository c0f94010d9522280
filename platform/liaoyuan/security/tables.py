"""Letters that look alike, and the traditional form of characters that the rules know in the simplified one."""

from functools import cache
from pathlib import Path

# Cyrillic, Greek and a few Latin letters that readers take for plain ASCII. Greek letters that science writes
# (alpha, beta, mu, omega) are left out on purpose.
_LOOK_ALIKE = (
    "АA ВB СC ЕE НH ІI ЈJ КK МM ОO РP ЅS ТT ХX ҮY ԜW аa сc ԁd еe ғf һh іi јj ӏl оo рp ԛq гr ѕs тt ѵv ԝw хx уy "
    "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX οo ɑa ɡg ɩi ı1 ƖI ȷj ʏy ʀr ɴn ʟl ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt "
    "ᴜu ᴠv ᴡw ᴢz"
)
HOMOGLYPHS = {pair[0]: pair[1] for pair in _LOOK_ALIKE.split()} | {
    "ı": "i",
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "−": "-",
    "﹣": "-",
    "\u00a0": " ",
    "\u3000": " ",
}


@cache
def traditional() -> dict[str, str]:
    """Traditional character -> simplified form, for the words that the rules know."""
    lines = (Path(__file__).parent / "traditional.txt").read_text(encoding="utf-8").splitlines()
    return {pair[0]: pair[1] for line in lines if not line.startswith("#") for pair in line.split()}
