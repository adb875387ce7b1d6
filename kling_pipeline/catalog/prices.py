"""What a request costs, in credits: Kling's units from `data/prices.toml`, exact to the last digit."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kling_pipeline.errors import StudioError

_MOST_OF_A_SERIES = 9


@dataclass(frozen=True)
class Rate:
    """One row of a price: it applies when every field in `when` has its value and every field in `has` is given."""

    units: Decimal
    when: Mapping[str, str]
    has: tuple[str, ...]

    def applies(self, sent: Mapping[str, Any]) -> bool:
        """Return whether this row speaks of what is sent."""
        return _same(sent, self.when) and all(sent.get(name) is not None for name in self.has)


class Cost(NamedTuple):
    """Credits of one job, how they come about in words, and the pictures it makes (1: something else)."""

    credits: int
    working: str
    pictures: int


@dataclass(frozen=True)
class Price:
    """A price of Kling: units per second, per 5 seconds begun, per picture or per call.

    `unit` is the credits of one unit of its product, `as_of` when the list said so. Seconds are those asked for, or,
    with `of`, those of the file in that field; a file that was not read counts as the longest Kling takes: `most`
    seconds, or the fewer of the first row of `less` that applies.
    """

    id: str
    per: Literal["second", "5 seconds", "picture", "call"]
    unit: Decimal
    product: str
    rates: tuple[Rate, ...]
    as_of: str
    of: str = ""
    most: int = 0
    less: tuple[tuple[Mapping[str, str], int], ...] = ()

    def count(self, sent: Mapping[str, Any], lengths: Mapping[str, float | None]) -> int:
        """Return how many seconds, fives of seconds, pictures or calls are sent."""
        if self.per == "picture":
            return count_pictures(sent)
        if self.per == "call":
            return 1
        seconds = (
            float(sent["duration"]) if not self.of else lengths.get(self.of) or self._longest(sent)
        )
        # A container says 5.000001 for five seconds; a thousandth is not a second begun.
        return max(1, math.ceil(round(seconds, 3) / (5 if self.per == "5 seconds" else 1)))

    def _longest(self, sent: Mapping[str, Any]) -> int:
        return next((most for when, most in self.less if _same(sent, when)), self.most)

    def cost(
        self,
        sent: Mapping[str, Any],
        lengths: Mapping[str, float | None] | None = None,
        extra: Decimal = Decimal(0),
    ) -> Cost:
        """Return what one job costs; StudioError when that is not a whole number of credits.

        `lengths` are seconds by field; `extra` are video units of the calls before the task.
        """
        rate = next((rate for rate in self.rates if rate.applies(sent)), None)
        if rate is None:
            raise StudioError(f"Price {self.id} has no row for {dict(sent)}.", code="no_price")
        count = self.count(sent, lengths or {})
        units = rate.units * count + extra
        credits = units * self.unit
        if credits != credits.to_integral_value() or credits <= 0:
            raise StudioError(f"Price {self.id} gives {credits} credits.", code="bad_price")
        upto = "up to " if self.per == "picture" and _series(sent) == "auto" else ""
        times = (
            f" x {upto}{count} {self.per}{'s' if count > 1 and not self.per.endswith('s') else ''}"
        )
        before = f" + {extra.normalize():f} for the calls before" if extra else ""
        working = (
            f"{rate.units} units{times}{before} = {units.normalize():f} {self.product} units "
            f"x {self.unit} credits = {int(credits)}"
        )
        return Cost(int(credits), working, count_pictures(sent))


def count_pictures(sent: Mapping[str, Any]) -> int:
    """Return how many pictures one job makes, 1 where it makes something else; in a series of `auto` the most."""
    series = _series(sent)
    return _MOST_OF_A_SERIES if series == "auto" else int(series or sent.get("n") or 1)


def _same(sent: Mapping[str, Any], when: Mapping[str, str]) -> bool:
    return all(sent.get(name) == value for name, value in when.items())


def _series(sent: Mapping[str, Any]) -> Any:
    """Return the amount of a series; `auto` leaves it to Kling, and then the most it may make is the price."""
    return sent.get("series_amount") if sent.get("result_type") == "series" else None


def read_prices(path: Path) -> dict[str, Price]:
    """Return every price by id."""
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
            as_of=row["as_of"],
            of=row.get("of", ""),
            most=row.get("most", 0),
            less=tuple((one["when"], one["most"]) for one in row.get("less", ())),
        )
        for row in document["price"]
    }
