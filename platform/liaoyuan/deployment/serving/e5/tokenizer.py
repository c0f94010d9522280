"""XLM-RoBERTa's Unigram tokenizer, made from the vocabulary and character map in the model file."""

import re

from tokenizers import Tokenizer
from tokenizers.models import Unigram

from liaoyuan.deployment.serving.e5.weights import Vocabulary

META = "\u2581"
_SPACES = re.compile(" {2,}")


class E5Tokenizer:
    """Safe to use from several threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        pieces = list(vocabulary.pieces)
        # The name of the unknown piece must not be found in a text that spells it; no text reaches here with a zero.
        pieces[vocabulary.unknown] = ("\x00unknown", pieces[vocabulary.unknown][1])
        self._tokenizer = Tokenizer(Unigram(pieces, vocabulary.unknown))
        self._replaced, self._unknown = vocabulary.replaced, vocabulary.unknown

    def ids(self, text: str) -> list[int]:
        """Token ids of ``text`` without begin and end marks; one unknown id for each character in no piece."""
        plain = _SPACES.sub(" ", text.translate(self._replaced))
        marked = (plain if plain.startswith(" ") else f" {plain}").replace(" ", META)
        encoding = self._tokenizer.encode(marked, add_special_tokens=False)
        ids: list[int] = encoding.ids
        return self._apart(ids, encoding.offsets) if self._unknown in ids else ids

    def _apart(self, ids: list[int], offsets: list[tuple[int, int]]) -> list[int]:
        # The library joins neighbouring unknown characters into one token; the model's own tokenizer does not.
        lengths = (stop - start if one == self._unknown else 1 for one, (start, stop) in zip(ids, offsets, strict=True))
        return [one for one, length in zip(ids, lengths, strict=True) for _ in range(length)]
