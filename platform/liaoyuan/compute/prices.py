"""The price book: costs with effective dates, so that an old run keeps its old price."""

import tomllib
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from liaoyuan.errors import LiaoyuanError

SHIPPED = Path(__file__).with_name("prices.toml")
HOUR = 3600.0
GIB = float(1 << 30)


class PriceBookInvalid(LiaoyuanError):
    code = "price_book_invalid"
    zh = "价目表 {path} 有误：{detail}。请修正后重试。"
    en = "The price book {path} is not valid: {detail}. Correct it and retry."


class Price(BaseModel):
    """Cost of one hour, from ``effective`` on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    effective: date
    core_hour: float = Field(ge=0)
    memory_gib_hour: float = Field(ge=0)
    accelerator_hour: float = Field(ge=0)


class PriceBook(BaseModel):
    """All prices of one currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = Field(min_length=3, max_length=3)
    price: tuple[Price, ...] = Field(min_length=1)

    def on(self, day: date) -> Price:
        """The price in force on ``day``; before the first entry, the first."""
        come = [price for price in self.price if price.effective <= day]
        return max(come, key=lambda p: p.effective) if come else min(self.price, key=lambda p: p.effective)

    def cost(self, *, seconds: float, cores: float, memory_bytes: int, accelerators: int, day: date) -> float:
        """Cost of holding that much for that long."""
        price = self.on(day)
        hourly = price.core_hour * cores + price.memory_gib_hour * memory_bytes / GIB
        return (hourly + price.accelerator_hour * accelerators) * seconds / HOUR


def price_book(var: Path) -> PriceBook:
    """The operator's book below ``var``, or the shipped one. Raises PriceBookInvalid."""
    own = var / "prices.toml"
    path = own if own.exists() else SHIPPED
    try:
        return PriceBook.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise PriceBookInvalid(path=path, detail="; ".join(_wrong(item) for item in error.errors())) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise PriceBookInvalid(path=path, detail=error) from error


def _wrong(item: ErrorDetails) -> str:
    return f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
