"""The price book: effective dates, the operator's own book, and what is wrong with it."""

from datetime import date
from pathlib import Path

import pytest

from liaoyuan.compute.prices import PriceBook, PriceBookInvalid, price_book

BOOK = """
currency = "USD"
[[price]]
effective = 2026-03-01
core_hour = 2.0
memory_gib_hour = 0.5
accelerator_hour = 10.0
[[price]]
effective = 2025-01-01
core_hour = 1.0
memory_gib_hour = 0.0
accelerator_hour = 0.0
"""


def book(folder: Path, text: str = BOOK) -> PriceBook:
    (folder / "prices.toml").write_text(text, encoding="utf-8")
    return price_book(folder)


def cost(of: PriceBook, day: date) -> float:
    return of.cost(seconds=1800, cores=2.0, memory_bytes=4 << 30, accelerators=1, day=day)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 6, 1), 1.0),
        (date(2026, 2, 28), 1.0),
        (date(2026, 3, 1), 8.0),
        (date(2030, 1, 1), 8.0),
        (date(2020, 1, 1), 1.0),
    ],
)
def test_the_price_in_force_on_the_day_counts(tmp_path: Path, day: date, expected: float) -> None:
    assert cost(book(tmp_path), day) == expected


def test_without_a_book_of_ones_own_the_shipped_one_is_in_force(tmp_path: Path) -> None:
    assert price_book(tmp_path).currency == "CNY"
    assert book(tmp_path).currency == "USD"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = \nx = 1", "line 1"),
        (BOOK.replace("core_hour = 2.0", "core_hour = -2.0"), "price.0.core_hour"),
        (BOOK.replace("USD", "DOLLAR"), "currency"),
        (BOOK + "discount = 1\n", "price.1.discount"),
        ('currency = "USD"', "price"),
    ],
)
def test_a_wrong_book_is_refused_by_file_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PriceBookInvalid) as caught:
        book(tmp_path, text)
    for language in ("zh", "en"):
        sentence = caught.value.sentence(language)
        assert str(tmp_path / "prices.toml") in sentence and said in sentence
        assert "errors.pydantic.dev" not in sentence


def test_a_book_that_cannot_be_read_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceBookInvalid):
        price_book(tmp_path)
