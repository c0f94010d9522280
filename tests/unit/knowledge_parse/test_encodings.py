"""Files from every kind of Windows: what the bytes mean is found out, short lists included, and old damage undone."""

from pathlib import Path

import pytest

from liaoyuan.knowledge.parse.encoding import decode
from tests.unit.knowledge_parse.conftest import Parse

CHINESE = "检查断路器的位置，确认无误。\n中华人民共和国安全生产法\n"
JAPANESE = "これは日本語のテキストです。電力設備の点検を行います。\n"
KOREAN = "이것은 한국어 텍스트입니다. 전력 설비를 점검합니다.\n"
FRENCH = "Voilà un café très agréable à Genève, où l'été est doux. Ça dépend.\n"
WRITTEN = {
    "a statute": (CHINESE, "gb18030"),
    "one word": ("变压器", "gbk"),
    "names and departments": ("姓名,科室\n张三,内科\n", "gbk"),
    "numbers under Chinese names": ("编号,数量\nA1,5\nB2,6\n", "gb18030"),
    "drugs": ("阿莫西林胶囊,0.25g\n盐酸二甲双胍片,0.5g\n", "gbk"),
    "one Chinese word in English": ("Transformer 变压器 T1 capacity 50MVA\n", "gbk"),
    "names from Taiwan": ("姓名,科別\n張三,內科\n", "big5"),
    "Taiwan": ("檢查斷路器的位置，確認無誤。雇主應使勞工佩戴安全帽。\n", "big5"),
    "little-endian without a mark": (CHINESE, "utf-16-le"),
    "big-endian without a mark": (CHINESE, "utf-16-be"),
    "Japanese": (JAPANESE, "shift_jis"),
    "Japanese of Unix": (JAPANESE, "euc_jp"),
    "Korean": (KOREAN, "euc_kr"),
    "French": (FRENCH, "cp1252"),
    "Czech": ("Příliš žluťoučký kůň úpěl ďábelské ódy\n", "cp1250"),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_the_bytes_mean_is_found_out(what: str) -> None:
    text, encoding = WRITTEN[what]
    assert decode(text.encode(encoding)) == (text, False)


@pytest.mark.parametrize(("text", "encoding"), [(JAPANESE, "iso-2022-jp"), (CHINESE, "hz-gb-2312")])
def test_an_encoding_of_seven_bits_is_believed_where_it_is_named(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), encoding) == (text, False)


@pytest.mark.parametrize(
    ("text", "wrong"), [("检查断路器：“安全第一”。", "latin-1"), ("1986–2004: a café, “très bien”…", "cp1252")]
)
def test_text_that_was_decoded_wrongly_before_it_was_saved_is_put_right(text: str, wrong: str) -> None:
    text = text.replace("”", "’") if wrong == "cp1252" else text
    assert decode(text.encode().decode(wrong).encode()) == (text, False)


@pytest.mark.parametrize("text", [FRENCH, "管 Ø½ 与 Ø¾ 英寸，Ø½，温差±5°，“——”", "«Ça»", CHINESE, JAPANESE])
def test_sound_text_is_left_alone(text: str) -> None:
    assert decode(text.encode()) == (text, False)


def test_a_ledger_of_few_words_keeps_its_chinese(tmp_path: Path, parse: Parse) -> None:
    (tmp_path / "台账.csv").write_bytes("编号,班组\nA1,检修\nB2,运行\n".encode("gbk"))
    document = parse(tmp_path / "台账.csv").document
    assert document is not None and document.blocks[0].table == [["编号", "班组"], ["A1", "检修"], ["B2", "运行"]]
