"""Language work: what a reader takes for the same must compare as the same, and offsets never lie."""

import itertools

import jieba
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from liaoyuan.knowledge.text import segment
from liaoyuan.knowledge.text.facts import Quantity, dates, han_number, negations, quantities, unmatched
from liaoyuan.knowledge.text.normalise import is_chinese, normalise, squeeze
from liaoyuan.knowledge.text.segment import bigrams, index_terms, question_words, term_counts, terms_ahead, words
from liaoyuan.knowledge.text.sentences import list_around, sentences

ALPHABET = "护士应当在六十日内。！？；：，（一）第三条\n 12.5mg abc. D！ “”"


def test_full_width_letters_and_hidden_characters_fold_away() -> None:
    assert normalise("ＡＢＣ\u200b１２３") == "abc123"


def test_spaces_between_han_characters_fold_away_but_english_words_stay_apart() -> None:
    assert normalise("第一章 总 则 of  the law") == "第一章总则 of the law"
    assert squeeze("总 则 of the") == "总则ofthe"


def test_language_is_told_by_its_letters() -> None:
    assert is_chinese("CT 检查要空腹吗？")
    assert not is_chinese("What is a CT scan?")


def test_chinese_is_cut_into_words_and_bigrams() -> None:
    assert words("医疗机构应当执业") == ["医疗", "机构", "医疗机构", "执业"]
    assert bigrams("医师法") == ["医师", "师法"]


def test_a_chinese_word_next_to_a_number_is_still_found() -> None:
    assert "有效期" in words("2026年有效期为5年")


def test_the_quick_cutter_cuts_as_the_dictionary_of_the_questions_does() -> None:
    """What is indexed is cut by rjieba, what is known of a word is asked of jieba: both must see the same words."""
    texts = [
        "用人单位应当按照国家规定为劳动者缴纳社会保险费",
        "二氧化硫排放限值",
        "他来到了网易杭研大厦",
        "欧阳建国主任医师",
        "変電所",
    ]
    assert [rjieba.cut_for_search(text) for text in texts] == [list(jieba.cut_for_search(text)) for text in texts]


def test_english_is_stemmed_and_stopwords_go() -> None:
    assert words("The nurses are registering") == ["nurs", "regist"]


def test_question_words_never_count_as_the_subject() -> None:
    assert set(question_words("护士注册的有效期是几年？")) == {"护士", "注册", "有效", "效期", "有效期"}
    assert question_words("What is the maximum dose of aspirin?") == ["maximum", "dose", "aspirin"]


@given(st.text(alphabet="护士注册的有效期为五年医疗机构应当依法执业", max_size=40))
def test_counting_terms_in_text_agrees_with_segmenting_it_for_presence(text: str) -> None:
    found = term_counts(set(index_terms(text)), text)
    assert set(found) == set(index_terms(text))


@given(st.text(alphabet=ALPHABET, max_size=120))
def test_sentences_lose_no_visible_character_and_never_overlap(text: str) -> None:
    parts = sentences(text)
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(parts))
    kept = "".join("".join(part.of(text).split()) for part in parts)
    assert kept == "".join(text.split())


def test_english_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    text = "Give 2.5 mg, e.g. to adults. See Dr. Li. Stop at 3 g."
    assert [part.of(text) for part in sentences(text)] == [
        "Give 2.5 mg, e.g. to adults.",
        "See Dr. Li.",
        "Stop at 3 g.",
    ]


def test_a_hard_wrapped_line_is_one_sentence() -> None:
    text = "用人单位应当按照国家有关规定为护士提供卫生防护用\n品。护士依法享有权利。"
    assert len(sentences(text)) == 2


def test_an_item_leads_back_to_its_whole_list() -> None:
    text = "有下列情形之一的：\n（一）甲；\n（二）乙；\n（三）丙。\n其他另行规定。"
    parts = sentences(text)
    assert list_around(parts, 2) == (0, 4)
    assert list_around(parts, 4) == (4, 5)


@pytest.mark.parametrize(
    ("digits", "value"),
    [("六十", 60), ("一百二十", 120), ("二〇二一", 2021), ("十", 10), ("三万五千", 35000), ("两", 2)],
)
def test_chinese_numerals_are_read(digits: str, value: int) -> None:
    assert han_number(digits) == value


def test_numbers_in_both_scripts_are_one() -> None:
    assert quantities("六十日内") == [Quantity("60", "日")] == quantities("60 日内")
    assert quantities("百分之四十") == [Quantity("40", "%")] == quantities("40%")
    assert quantities("within 3 days") == [Quantity("3", "day")]


def test_a_word_that_contains_a_numeral_is_no_number() -> None:
    assert quantities("统一管理，一般情况") == []


def test_a_wrong_number_or_a_wrong_unit_is_noticed() -> None:
    assert unmatched("有效期为3年", "有效期为5年") == [Quantity("3", "年")]
    assert unmatched("不超过2小时", "不超过2天") == [Quantity("2", "时")]
    assert unmatched("有效期为五年", "有效期为5年") == []


def test_dates_and_negation_are_read_in_both_languages() -> None:
    assert dates("自2021年3月1日起") == {"2021-03-01"} == dates("from 2021-03-01")
    assert negations("不得转让") == 1 == negations("must not be transferred")
    assert negations("不但及时而且准确") == 0


def test_terms_found_ahead_are_the_terms_of_the_text() -> None:
    texts = [f"第{number}条 变压器油温超过85℃时应当降低负荷。" for number in range(40)]
    before = [index_terms(text) for text in texts]
    segment._index_terms.cache_clear()
    with terms_ahead(texts):
        pass
    assert segment._index_terms.cache_info().currsize == 40
    assert [index_terms(text) for text in texts] == before
    assert segment._index_terms.cache_info().misses == 40
