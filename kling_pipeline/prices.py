"""What a request costs, in credits: Kling's units from `data/prices.toml`, exact to the last digit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from kling_pipeline.errors import StudioError


@dataclass(frozen=True)
class Rate:
    """One row of a price: it applies when every field in `when` has its value and every field in `has` is given."""

    units: Decimal
    when: Mapping[str, str]
    has: tuple[str, ...]

    def applies(self, sent: Mapping[str, Any]) -> bool:
        """Whether this row speaks of what is sent."""
        return all(sent.get(name) == value for name, value in self.when.items()) and all(
            sent.get(name) is not None for name in self.has
        )


@dataclass(frozen=True)
class Price:
    """A price of Kling: units per second, picture or call, and the credits of one unit of its product."""

    id: str
    per: Literal["second", "picture", "call"]
    unit: Decimal
    product: str
    rates: tuple[Rate, ...]

    def count(self, sent: Mapping[str, Any]) -> int:
        """How many seconds, pictures or calls are sent."""
        if self.per == "second":
            return int(sent["duration"])
        return int(sent.get("n") or 1) if self.per == "picture" else 1

    def charge(self, sent: Mapping[str, Any]) -> tuple[int, str]:
        """Credits for one job, and the working in words; StudioError when the row is not a whole number."""
        rate = next((rate for rate in self.rates if rate.applies(sent)), None)
        if rate is None:
            raise StudioError(f"Price {self.id} has no row for {dict(sent)}.", code="no_price")
        count = self.count(sent)
        credits = rate.units * count * self.unit
        if credits != credits.to_integral_value() or credits <= 0:
            raise StudioError(f"Price {self.id} gives {credits} credits.", code="bad_price")
        units = (rate.units * count).normalize()
        working = (
            f"{rate.units} units x {count} {self.per}{'' if count == 1 else 's'} "
            f"= {units:f} {self.product} units x {self.unit} credits = {int(credits)}"
        )
        return int(credits), working


def read_prices(path: Path) -> dict[str, Price]:
    """Every price by id."""
    document = tomllib.loads(path.read_text("utf-8"))
    unit = {product: Decimal(credits) for product, credits in document["unit"].items()}
    return {
        row["id"]: Price(
            id=row["id"],
            per=row["per"],
            unit=unit[row["product"]],
            product=row["product"],
            rates=tuple(
                Rate(Decimal(rate["units"]), rate.get("when", {}), tuple(rate.get("with", ())))
                for rate in row["rates"]
            ),
        )
        for row in document["price"]
    }
